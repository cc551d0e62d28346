import type { LabelledFault } from './labelled.ts'

/** A stack as some runtime prints it, with what differs from record to record left open. */
interface Shape {
  readonly reason: string
  readonly operator?: string
  /** Parts that are put for {1}, {2} …: one fault for each list. */
  readonly values: readonly (readonly (string | number)[])[]
  readonly stack: string
}

const shapes: readonly Shape[] = [
  {
    reason: 'esm: rate is undefined',
    values: [
      [12, '/home/ann/shop', 3],
      [48, '/srv/app', 17],
    ],
    stack: `TypeError: Cannot read properties of undefined (reading 'rate')
    at convert (file://{2}/operators/convert.ts:{1}:{3})
    at Array.map (<anonymous>)
    at default (file://{2}/operators/convert.ts:9:21)
    at callOnCopy (file://{2}/node_modules/oxbow/src/operators/use.js:102:10)
    at node:internal/process/task_queues:95:5`,
  },
  {
    reason: 'esm: rate is zero',
    values: [
      [12, '/home/ann/shop', 'CHF'],
      [14, '/srv/app', 'JPY'],
      [14, 'C:/shop', 'SEK'],
    ],
    stack: `RangeError: no rate for "{3}"
    at convert (file://{2}/operators/convert.ts:{1}:3)
    at default (file://{2}/operators/convert.ts:9:21)
    at callOnCopy (file://{2}/node_modules/oxbow/src/operators/use.js:102:10)`,
  },
  {
    reason: 'commonjs: user not found',
    values: [
      ['4f9d2c1e-8b7a-4c3d-9e2f-1a2b3c4d5e6f', 31],
      ['00000000-1111-2222-3333-444444444444', 33],
    ],
    stack: `NotFoundError: user {1} not found
    at Object.<anonymous> (/app/dist/users.js:{2}:11)
    at Module._compile (node:internal/modules/cjs/loader:1469:14)
    at exports.findUser (/app/dist/users.js:{2}:9)
    at /app/dist/handler.js:7:3`,
  },
  {
    reason: 'webpack: cart is null',
    values: [
      ['a1b2', 88],
      ['ff09', 91],
      ['7c3e', 88],
    ],
    stack: `TypeError: Cannot read properties of null (reading 'items')
    at Object.total (webpack://shop/./src/cart.js?{1}:{2}:17)
    at eval (webpack://shop/./src/index.js?{1}:12:5)
    at __webpack_require__ (webpack/bootstrap:19:1)
    at node_modules/express/lib/router.js:12:1`,
  },
  {
    reason: 'bundle: shipment has no address',
    values: [
      ['3f2a1b9c', 1, 20_114],
      ['9d8e7f60', 1, 21_007],
    ],
    stack: `Error: shipment has no address
    at Shipment.label (/opt/app/main.{1}.js:{2}:{3})
    at async Promise.all (index 0)
    at async handler (/opt/app/main.{1}.js:1:977)`,
  },
  {
    reason: 'async: query timed out',
    values: [
      ['5001ms', 10],
      ['5012ms', 10],
      ['30s', 12],
    ],
    stack: `TimeoutError: query timed out after {1}
    at Timeout._onTimeout (/app/node_modules/pg-pool/index.js:45:11)
    at listOnTimeout (node:internal/timers:573:17)
    at async Store.load (/app/src/store.mjs:{2}:19)
    at async default (/app/src/enrich.mjs:4:17)`,
  },
  {
    reason: 'caused: connection refused behind a failed save',
    values: [
      ['10.0.0.1:5432', 'order 17'],
      ['10.0.0.2:5432', 'order 18'],
      ['db.internal:5432', 'order 9001'],
    ],
    stack: `Error: cannot save {2}
    at save (/app/src/orders.ts:40:9)
    at default (/app/src/main.ts:3:3)
Caused by: Error: connect ECONNREFUSED {1}
    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16)`,
  },
  {
    reason: 'caused: unique violation behind a failed save',
    values: [
      ['Key (id)=(17) already exists.', 'order 17'],
      ['Key (id)=(18) already exists.', 'order 18'],
    ],
    stack: `Error: cannot save {2}
    at save (/app/src/orders.ts:40:9)
    at default (/app/src/main.ts:3:3)
Caused by: error: duplicate key value violates unique constraint "orders_pkey"
    at Parser.parseErrorMessage (/app/node_modules/pg-protocol/dist/parser.js:283:98)
    at Socket.emit (node:events:519:28)`,
  },
  {
    reason: 'method of an heir',
    values: [
      ['CardPayment', 'CardPayment'],
      ['BankPayment', 'Payment'],
    ],
    stack: `Error: amount is negative: -7.5
    at {1}.validate (/app/src/payment.ts:12:11)
    at {2}.process (/app/src/payment.ts:30:10)
    at default (/app/src/pay.ts:5:3)`,
  },
  {
    reason: 'eval: template is broken',
    values: [[3], [5]],
    stack: `ReferenceError: price is not defined
    at eval (eval at render (/app/src/template.ts:{1}:12), <anonymous>:1:1)
    at render (/app/src/template.ts:{1}:12)`,
  },
  {
    reason: 'private method and getter',
    values: [
      ['order-1001', 7],
      ['order-2002', 9],
    ],
    stack: `Error: no stock for {1}
    at #reserve (/app/src/stock.ts:{2}:11)
    at get available (/app/src/stock.ts:22:5)
    at Array.forEach (<anonymous>)
    at Object.stock [as default] (/app/src/stock.ts:50:1)`,
  },
  {
    reason: 'assertion',
    values: [
      [1, 2],
      [17, 300],
    ],
    stack: `AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:

{1} !== {2}

    at verify (/app/src/verify.ts:3:10)
    at default (/app/src/verify.ts:10:3)`,
  },
  {
    reason: 'python: key error',
    values: [
      ['/home/ann/shop', 12],
      ['/srv/app', 14],
    ],
    stack: `Traceback (most recent call last):
  File "/usr/lib/python3.11/site-packages/faust/agent.py", line 90, in _execute
    await fun(stream)
  File "{1}/agents/orders.py", line {2}, in handle
    total = order["price"] * order["count"]
KeyError: 'price'`,
  },
  {
    reason: 'python: value error',
    values: [
      ['two', 20],
      ['three', 20],
      ['', 22],
    ],
    stack: `Traceback (most recent call last):
  File "/srv/app/agents/orders.py", line {2}, in handle
    count = int(order["count"])
ValueError: invalid literal for int() with base 10: '{1}'`,
  },
  {
    reason: 'python: json in a chain',
    values: [['Expecting value: line 1 column 1 (char 0)'], ["Expecting ',' delimiter: line 4 column 12 (char 80)"]],
    stack: `Traceback (most recent call last):
  File "/srv/app/read.py", line 10, in read
    return json.loads(text)
  File "/usr/lib/python3.11/json/decoder.py", line 355, in raw_decode
    raise JSONDecodeError("Expecting value", s, err.value) from None
json.decoder.JSONDecodeError: {1}

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/srv/app/agents/orders.py", line 5, in handle
    order = read(raw)
RuntimeError: cannot read order`,
  },
]

/** User code in JavaScript and Python, as its runtimes print it. */
export const stackFaults = (): LabelledFault[] =>
  shapes.flatMap(({ reason, operator = 's.use', values, stack }) =>
    values.map((parts) => {
      const text = parts.reduce<string>((made, part, n) => made.replaceAll(`{${n + 1}}`, String(part)), stack)
      const python = text.startsWith('Traceback')
      const said = python ? text.slice(text.lastIndexOf('\n') + 1) : text.slice(0, text.search(/\n/))
      return {
        reason,
        operator,
        code: 'operator.threw',
        message: `${operator} threw ${said}`,
        stack: python ? text : `UnexpectedFault: ${operator} threw ${said}\nCaused by: ${text}`,
      }
    }),
  )

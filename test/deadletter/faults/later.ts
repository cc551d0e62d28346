import type { LabelledFault } from './labelled.ts'

/** Messages that were put together after the rules were made, to see what they are worth on what they were not made for. */
const messages: { readonly [reason: string]: readonly string[] } = {
  'prisma unique': [
    'Unique constraint failed on the fields: (`email`)',
    'Unique constraint failed on the fields: (`email`)',
  ],
  'prisma other unique': ['Unique constraint failed on the fields: (`phone`)'],
  'mongo dup': [
    "E11000 duplicate key error collection: shop.orders index: _id_ dup key: { _id: ObjectId('65a1b2c3d4e5f60718293a4b') }",
    "E11000 duplicate key error collection: shop.orders index: _id_ dup key: { _id: ObjectId('65a1b2c3d4e5f60718293aff') }",
  ],
  'zod too small': [
    'Too small: expected string to have >=3 characters at "name"',
    'Too small: expected string to have >=3 characters at "name"',
  ],
  yup: [
    'age must be a `number` type, but the final value was: `NaN` (cast from the value `"abc"`).',
    'age must be a `number` type, but the final value was: `NaN` (cast from the value `"x7"`).',
  ],
  joi: ['"order.total" must be greater than or equal to 0', '"order.total" must be greater than or equal to 0'],
  'joi other': ['"order.count" must be greater than or equal to 0'],
  axios: ['Request failed with status code 422', 'Request failed with status code 422'],
  'axios 500': ['Request failed with status code 500'],
  aws: [
    'The specified key does not exist. (Request ID: 4QBGX0T1ZKXH9J2P)',
    'The specified key does not exist. (Request ID: 7ABCD0T1ZKXH9XYZ)',
  ],
  's3 path': [
    's3://bucket/in/2026/01/08/part-0001.json not found',
    's3://bucket/in/2026/01/09/part-0417.json not found',
  ],
  mysql: ["Data too long for column 'name' at row 1", "Data too long for column 'name' at row 17"],
  'mysql other': ["Data too long for column 'city' at row 1"],
  'mysql incorrect': [
    "Incorrect integer value: 'abc' for column 'count' at row 1",
    "Incorrect integer value: 'n/a' for column 'count' at row 3",
  ],
  'mysql fk': [
    'Cannot add or update a child row: a foreign key constraint fails (`shop`.`orders`, CONSTRAINT `orders_ibfk_1` FOREIGN KEY (`customer_id`) REFERENCES `customers` (`id`))',
    'Cannot add or update a child row: a foreign key constraint fails (`shop`.`orders`, CONSTRAINT `orders_ibfk_1` FOREIGN KEY (`customer_id`) REFERENCES `customers` (`id`))',
  ],
  'pg enum': [
    'invalid input value for enum order_status: "lost"',
    'invalid input value for enum order_status: "on hold"',
  ],
  'pg numeric': ['numeric field overflow', 'numeric field overflow'],
  'pg detail': [
    'insert or update on table "orders" violates foreign key constraint "orders_customer_fk"',
    'insert or update on table "orders" violates foreign key constraint "orders_customer_fk"',
  ],
  elastic: [
    "mapper_parsing_exception: failed to parse field [price] of type [float] in document with id 'a1'. Preview of field's value: 'n/a'",
    "mapper_parsing_exception: failed to parse field [price] of type [float] in document with id 'Zx9_-QeT'. Preview of field's value: 'two'",
  ],
  'elastic other': [
    "mapper_parsing_exception: failed to parse field [at] of type [date] in document with id 'a1'. Preview of field's value: 'x'",
  ],
  avro: ['Expected field name not found: total', 'Expected field name not found: total'],
  'avro type': [
    'Invalid JSON for field "price": expected double, got STRING "abc"',
    'Invalid JSON for field "price": expected double, got STRING "x"',
  ],
  protobuf: ['Protocol message contained an invalid tag (zero).', 'Protocol message contained an invalid tag (zero).'],
  iban: ['IBAN DE89370400440532013000 has a wrong check digit', 'IBAN GB29NWBK60161331926819 has a wrong check digit'],
  phone: ['Phone number +49 170 1234567 is not valid', 'Phone number (555) 123-4567 is not valid'],
  'currency pair': ['No rate for EUR/CHF on 2026-01-08', 'No rate for USD/JPY on 2026-02-11'],
  user: ["User 'ann' may not read 'orders'", "User 'bob' may not read 'orders'"],
  lock: [
    'Lock wait timeout exceeded; try restarting transaction',
    'Lock wait timeout exceeded; try restarting transaction',
  ],
  deadlock: [
    'deadlock detected: Process 4711 waits for ShareLock on transaction 991; blocked by process 4712.',
    'deadlock detected: Process 17 waits for ShareLock on transaction 12345; blocked by process 9.',
  ],
  grpc: [
    '14 UNAVAILABLE: No connection established. Last error: connect ECONNREFUSED 10.0.0.7:50051',
    '14 UNAVAILABLE: No connection established. Last error: connect ECONNREFUSED 10.0.0.8:50051',
  ],
  tls: ['certificate has expired', 'certificate has expired'],
  undici: ['Headers Timeout Error', 'Headers Timeout Error'],
  xml: ['Unclosed root tag at line 3, column 17', 'Unclosed root tag at line 812, column 1'],
  csv: ['Invalid Record Length: expect 5, got 4 on line 2', 'Invalid Record Length: expect 5, got 7 on line 99'],
  luhn: ['card 4111111111111112 fails the Luhn check', 'card 5500000000000005 fails the Luhn check'],
  vat: ['VAT id ATU12345678 is unknown', 'VAT id DE999999999 is unknown'],
  sku: ['sku LAMP-BLUE-42 is not sold in FR', 'sku CHAIR-OAK-7 is not sold in FR'],
  stock: ['only 3 of 17 lamps are in stock', 'only 0 of 2 lamps are in stock'],
  prose: ['The customer wants to pay later', 'The customer has gone away'],
  geo: ['point (48.1, 11.5) lies in no district', 'point (-3.70, 40.41) lies in no district'],
  base64: ['cannot decode SGVsbG8gV29ybGQhIEhvdyBhcmUgeW91Pw==', 'cannot decode QmFzZTY0IGlzIG5vdCBlbmNyeXB0aW9uMTIz'],
  'missing env': ['Environment variable SHOP_TOKEN is not set', 'Environment variable SHOP_TOKEN is not set'],
  window: ['offset -17 is out of range for a buffer of 8 bytes', 'offset 99 is out of range for a buffer of 16 bytes'],
  lang: ['language "tlh" is not supported', 'language "qya" is not supported'],
  country: ['country Freedonia is not served', 'country Ruritania is not served'],
}

export const laterFaults = (): LabelledFault[] =>
  Object.entries(messages).flatMap(([reason, texts]) =>
    texts.map((message) => ({
      reason: `later: ${reason}`,
      operator: 's.later',
      code: 'check.failed',
      message,
      stack: `CheckFault: ${message}`,
    })),
  )

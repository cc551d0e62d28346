import type { LabelledFault } from './labelled.ts'

/** Messages without a stack, by the reason that a person would give them. */
const messages: { readonly [reason: string]: readonly string[] } = {
  'http unavailable': [
    'http://127.0.0.1:1/7 cannot be read: connect ECONNREFUSED 127.0.0.1:1.',
    'https://api.example.org/v1/orders/812?x=1 cannot be read: connect ECONNREFUSED 10.0.0.7:443.',
  ],
  'http host unknown': [
    'https://a.example.org/7 cannot be read: getaddrinfo ENOTFOUND a.example.org.',
    'https://orders.svc/8 cannot be read: getaddrinfo ENOTFOUND orders.svc.',
  ],
  'http 404': [
    'https://api.example.org/orders/7 answered with status 404.',
    'https://api.example.org/orders/1207 answered with status 404.',
  ],
  'http 503': [
    'https://api.example.org/orders/7 answered with status 503.',
    'https://api.example.org/orders/99 answered with status 503.',
  ],
  'http timeout': [
    'https://api.example.org/orders/7 did not answer within 10s.',
    'https://api.example.org/orders/9 did not answer within 1m.',
  ],
  'row too short': [
    'The row at byte 1024 of "./in.csv" has 3 columns instead of 5.',
    'The row at byte 77 of "./in.csv" has 4 columns instead of 5.',
  ],
  'line too long': [
    'The line at byte 0 of "./in.jsonl" is longer than 1048576 B; its first bytes are kept. See maxLine.',
    'The line at byte 99120 of "./in.jsonl" is longer than 1048576 B; its first bytes are kept. See maxLine.',
  ],
  'missing vat field': ['The record has no field "vat".', 'The record has no field "vat".'],
  'missing iban field': ['The record has no field "iban".', 'The record has no field "iban".'],
  'unknown status': ['Unknown status "shipped"', "Unknown status 'on hold'", 'Unknown status “lost”'],
  'customer blocked': [
    'Customer ann@example.org is blocked since 2026-01-08',
    'Customer bob.miller+x@shop.example is blocked since 2025-12-31T23:59:59Z',
  ],
  'zod: price': [
    'Invalid input: expected number, received string at "price"',
    'Invalid input: expected number, received string at "price"',
  ],
  'zod: count': [
    'Invalid input: expected number, received string at "count"',
    'Invalid input: expected number, received string at "count"',
  ],
  'ajv: price': ['data/price must be number', 'data/price must be number'],
  'ajv: items': ['data/items/0/sku must be string', 'data/items/17/sku must be string'],
  'postgres: unique': [
    'duplicate key value violates unique constraint "orders_pkey"',
    'duplicate key value violates unique constraint "orders_pkey"',
  ],
  'postgres: syntax': [
    'invalid input syntax for type integer: "abc"',
    'invalid input syntax for type integer: "1.5"',
    'invalid input syntax for type integer: ""',
  ],
  'postgres: syntax uuid': ['invalid input syntax for type uuid: "abc"', 'invalid input syntax for type uuid: "7"'],
  'postgres: relation': ['relation "prices" does not exist', 'relation "prices" does not exist'],
  'duplicate order': [
    'Order ORD-2026-0017 exists already',
    'Order ORD-2026-1207 exists already',
    'Order AB-9 exists already',
  ],
  'hash differs': [
    'checksum 9f86d081884c7d65 does not match 2c26b46b68ffc68f',
    'checksum 0a1b2c3d4e5f6071 does not match ffeeddccbbaa9988',
  ],
  'token refused': [
    'token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc was refused',
    'token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI5OTkifQ.xyz was refused',
  ],
  'too late': [
    'The record is 3h 12m late, at most 1h is allowed.',
    'The record is 45m late, at most 1h is allowed.',
    'The record is 2 days late, at most 1h is allowed.',
  ],
  'too large': ['The message is 1.5 MiB, at most 1 MiB fits', 'The message is 2,097,152 B, at most 1 MiB fits'],
  snippet: ['cannot read {"id":7,"name":"Ann"}: no price', 'cannot read {"id":812,"lines":[{"sku":"a"}]}: no price'],
  'file missing': [
    "ENOENT: no such file or directory, open '/data/in/7.csv'",
    "ENOENT: no such file or directory, open '/data/in/orders-2026.csv'",
  ],
  permission: ["EACCES: permission denied, open '/data/in/7.csv'", "EACCES: permission denied, open '/home/ann/x.csv'"],
  'address one': ['address1 is missing', 'address1 is missing'],
  'address two': ['address2 is missing', 'address2 is missing'],
  coordinates: ['latitude 91.5 is out of range [-90, 90]', 'latitude -100.25 is out of range [-90, 90]'],
  'reading column': ['Column "net amount" is empty in row 7', 'Column "net amount" is empty in row 812'],
  'other column': ['Column "tax rate" is empty in row 7', 'Column "tax rate" is empty in row 9'],
  'lot number': ['lot 0x1F is closed', 'lot 0xAB12 is closed'],
  'ip blocked': [
    'client 10.0.0.1 is blocked',
    'client 2001:db8::ff00:42:8329 is blocked',
    'client 192.168.7.9:8080 is blocked',
  ],
  'free text': ['Mary Poppins has no seat', 'John of Gaunt has no seat'],
  'wrong currency': ['expected EUR, got CHF', 'expected EUR, got SEK'],
}

export const messageFaults = (): LabelledFault[] =>
  Object.entries(messages).flatMap(([reason, texts]) =>
    texts.map((message) => ({
      reason,
      operator: 's.check',
      code: 'check.failed',
      message,
      stack: `CheckFault: ${message}`,
    })),
  )

import type { LabelledFault } from './labelled.ts'

/** An exception of Kafka Connect, Spring or Kafka Streams, with what differs from record to record left open. */
interface Thrown {
  readonly reason: string
  readonly operator: string
  readonly code: string
  /** Parts that are put for {1}, {2} …: one fault for each list. */
  readonly values: readonly (readonly (string | number)[])[]
  readonly message: string
  /** Behind class and message. */
  readonly stack: string
}

const connect = `
\tat org.apache.kafka.connect.runtime.errors.RetryWithToleranceOperator.execAndRetry(RetryWithToleranceOperator.java:230)
\tat org.apache.kafka.connect.runtime.WorkerSinkTask.convertAndTransformRecord(WorkerSinkTask.java:540)
\tat java.base/java.lang.Thread.run(Thread.java:840)`
const spring = `
\tat org.springframework.kafka.listener.adapter.MessagingMessageListenerAdapter.invokeHandler(MessagingMessageListenerAdapter.java:407)
\tat jdk.internal.reflect.GeneratedMethodAccessor12.invoke(Unknown Source)
\tat java.base/java.lang.Thread.run(Thread.java:840)`
const streams = `
\tat org.apache.kafka.streams.kstream.internals.KStreamMapValues$KStreamMapProcessor.process(KStreamMapValues.java:41)
\tat org.apache.kafka.streams.processor.internals.StreamThread.run(StreamThread.java:900)`
const dataException = 'org.apache.kafka.connect.errors.DataException'
const listenerFailed = 'org.springframework.kafka.listener.ListenerExecutionFailedException'

const thrown: readonly Thrown[] = [
  {
    reason: 'connect: not JSON',
    operator: 'orders-sink.VALUE_CONVERTER',
    code: dataException,
    values: [
      [
        "Unrecognized token 'oops': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
        'oops',
        5,
        'JsonParseException',
      ],
      [
        "Unexpected character ('b' (code 98)): was expecting double-quote to start field name",
        '{bad',
        3,
        'JsonParseException',
      ],
      [
        'Unexpected end-of-input: expected close marker for Object (start marker at [Source: (byte[])"{"a":1"; line: 1, column: 1])',
        '{"a":1',
        12,
        'io.JsonEOFException',
      ],
    ],
    message: 'Converting byte[] to Kafka Connect data failed due to serialization error: ',
    stack: `${connect}
Caused by: org.apache.kafka.common.errors.SerializationException: com.fasterxml.jackson.core.JsonParseException: {1}
 at [Source: (byte[])"{2}"; line: 1, column: {3}]
Caused by: com.fasterxml.jackson.core.{4}: {1}
 at [Source: (byte[])"{2}"; line: 1, column: {3}]
\tat com.fasterxml.jackson.core.JsonParser._constructError(JsonParser.java:2481)
\t... 17 more`,
  },
  {
    reason: 'connect: no schema in the envelope',
    operator: 'orders-sink.VALUE_CONVERTER',
    code: dataException,
    values: [[1], [2]],
    message:
      'JsonConverter with schemas.enable requires "schema" and "payload" fields and may not contain additional fields. If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter configuration.',
    stack: connect,
  },
  {
    reason: 'connect: unknown magic byte',
    operator: 'orders-sink.VALUE_CONVERTER',
    code: dataException,
    values: [['orders'], ['orders']],
    message: 'Failed to deserialize data for topic {1} to Avro: ',
    stack: `${connect}
Caused by: org.apache.kafka.common.errors.SerializationException: Unknown magic byte!
\tat io.confluent.kafka.serializers.AbstractKafkaSchemaSerDe.getByteBuffer(AbstractKafkaSchemaSerDe.java:600)`,
  },
  {
    reason: 'connect: schema not found',
    operator: 'orders-sink.VALUE_CONVERTER',
    code: dataException,
    values: [
      ['orders', 41],
      ['orders', 1_207],
    ],
    message: 'Failed to deserialize data for topic {1} to Avro: ',
    stack: `${connect}
Caused by: org.apache.kafka.common.errors.SerializationException: Error retrieving Avro value schema for id {2}
Caused by: io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException: Schema {2} not found; error code: 40403
\tat io.confluent.kafka.schemaregistry.client.rest.RestService.sendHttpRequest(RestService.java:336)`,
  },
  {
    reason: 'connect: field missing in the transformation',
    operator: 'orders-sink.TRANSFORMATION',
    code: dataException,
    values: [['{id=7, total=1}'], ['{id=812, name=Ann Lee}']],
    message: 'Field does not exist: customer_id',
    stack: connect,
  },
  {
    reason: 'connect: another field missing in the transformation',
    operator: 'orders-sink.TRANSFORMATION',
    code: dataException,
    values: [[1], [2]],
    message: 'Field does not exist: order_date',
    stack: connect,
  },
  {
    reason: 'connect: null for a column that takes none',
    operator: 'orders-sink.TASK_PUT',
    code: 'java.sql.BatchUpdateException',
    values: [
      [17, 'Ann'],
      [2_044, 'Bob'],
    ],
    message:
      'Batch entry {1} INSERT INTO "orders" ("id","name") VALUES ({1},\'{2}\') was aborted: ERROR: null value in column "price" of relation "orders" violates not-null constraint',
    stack: `
\tat org.postgresql.jdbc.BatchResultHandler.handleError(BatchResultHandler.java:165)
\tat io.confluent.connect.jdbc.sink.JdbcSinkTask.put(JdbcSinkTask.java:90)`,
  },
  {
    reason: 'connect: value too long',
    operator: 'orders-sink.TASK_PUT',
    code: 'java.sql.BatchUpdateException',
    values: [
      [17, 'Ann'],
      [2_044, 'Bob'],
    ],
    message:
      'Batch entry {1} INSERT INTO "orders" ("id","name") VALUES ({1},\'{2}\') was aborted: ERROR: value too long for type character varying(20)',
    stack: `
\tat org.postgresql.jdbc.BatchResultHandler.handleError(BatchResultHandler.java:165)`,
  },
  {
    reason: 'connect: document refused',
    operator: 'search-sink.TASK_PUT',
    code: 'org.apache.kafka.connect.errors.ConnectException',
    values: [
      ['orders', '9f8e7d6c5b4a', 0],
      ['orders', '001122aabbcc', 3],
    ],
    message:
      "Indexing record failed. document [{1}/_doc/{2}] mapper_parsing_exception: failed to parse field [price] of type [float] in document with id '{2}'. Preview of field's value: 'n/a{3}'",
    stack: connect,
  },
  {
    reason: 'spring: no customer in the listener',
    operator: 'billing',
    code: listenerFailed,
    values: [
      [17, 42, 12],
      [9_001, 44, 133],
    ],
    message: "Listener method 'public void com.acme.billing.OrderListener.onOrder(com.acme.Order)' threw exception",
    stack: `${spring}
Caused by: java.lang.NullPointerException: Cannot invoke "com.acme.Customer.getName()" because the return value of "com.acme.Order.getCustomer()" is null
\tat com.acme.billing.InvoiceService.create(InvoiceService.java:{2})
\tat com.acme.billing.OrderListener.onOrder(OrderListener.java:21)
\tat com.acme.billing.OrderListener$$SpringCGLIB$$0.onOrder(<generated>)
\tat jdk.internal.reflect.GeneratedMethodAccessor{3}.invoke(Unknown Source)
\t... 12 more`,
  },
  {
    reason: 'spring: amount is no number',
    operator: 'billing',
    code: listenerFailed,
    values: [['two'], ['1,50'], ['EUR 3']],
    message: "Listener method 'public void com.acme.billing.OrderListener.onOrder(com.acme.Order)' threw exception",
    stack: `${spring}
Caused by: java.lang.NumberFormatException: For input string: "{1}"
\tat java.base/java.lang.Integer.parseInt(Integer.java:652)
\tat com.acme.billing.InvoiceService.lambda$amount$0(InvoiceService.java:60)
\tat com.acme.billing.OrderListener.onOrder(OrderListener.java:21)`,
  },
  {
    reason: 'spring: unknown product',
    operator: 'billing',
    code: listenerFailed,
    values: [['Blue Lamp'], ['Chair'], ['Green Garden Table']],
    message: "Listener method 'public void com.acme.billing.OrderListener.onOrder(com.acme.Order)' threw exception",
    stack: `${spring}
Caused by: com.acme.catalog.UnknownProductException: Unknown product {1}
\tat com.acme.catalog.Catalog.find(Catalog.java:33)
\tat com.acme.billing.OrderListener.onOrder(OrderListener.java:19)`,
  },
  {
    reason: 'spring: database is locked out',
    operator: 'billing',
    code: listenerFailed,
    values: [
      ['10.1.2.3', 5_432, 30_001],
      ['10.1.2.4', 5_432, 30_007],
    ],
    message: "Listener method 'public void com.acme.billing.OrderListener.onOrder(com.acme.Order)' threw exception",
    stack: `${spring}
Caused by: org.springframework.dao.DataAccessResourceFailureException: Unable to acquire JDBC Connection
\tat com.acme.billing.Ledger.book(Ledger.java:80)
Caused by: java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available, request timed out after {3}ms ({1}:{2})
\tat com.zaxxer.hikari.pool.HikariPool.createTimeoutException(HikariPool.java:696)`,
  },
  {
    reason: 'spring: value cannot be deserialized',
    operator: 'billing',
    code: 'org.springframework.kafka.support.serializer.DeserializationException',
    values: [
      ['abc', 3],
      ['{"id":', 7],
    ],
    message: 'failed to deserialize',
    stack: `
\tat org.springframework.kafka.support.serializer.SerializationUtils.deserializationException(SerializationUtils.java:158)
Caused by: org.apache.kafka.common.errors.SerializationException: Can't deserialize data [[123, 34]] from topic [orders]
Caused by: com.fasterxml.jackson.core.JsonParseException: Unrecognized token '{1}': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')
 at [Source: (byte[])"{1}"; line: 1, column: {2}]`,
  },
  {
    reason: 'streams: division by zero',
    operator: 'KSTREAM-MAPVALUES-0000000001',
    code: 'java.lang.ArithmeticException',
    values: [[14], [15]],
    message: '/ by zero',
    stack: `
\tat com.acme.Prices.lambda$topology$1(Prices.java:{1})${streams}`,
  },
  {
    reason: 'streams: negative price',
    operator: 'KSTREAM-MAPVALUES-0000000001',
    code: 'java.lang.IllegalArgumentException',
    values: [
      [-3, 'rain', 22],
      [-0.5, 'snow', 22],
      [-1e9, 'heavy rain', 24],
    ],
    message: 'price {1} of "{2}" is below zero',
    stack: `
\tat com.acme.Prices.check(Prices.java:{3})
\tat com.acme.Prices.lambda$topology$1(Prices.java:14)${streams}`,
  },
  {
    reason: 'streams: long of a bad size',
    operator: 'KSTREAM-SOURCE-0000000000',
    code: 'org.apache.kafka.common.errors.SerializationException',
    values: [[5], [17]],
    message: 'Size of data received by LongDeserializer is not 8',
    stack: `
\tat org.apache.kafka.common.serialization.LongDeserializer.deserialize(LongDeserializer.java:30)`,
  },
  {
    reason: 'share group: delivery count',
    operator: 'shared-orders',
    code: 'MAX_DELIVERY_ATTEMPTS_REACHED',
    values: [[5], [7]],
    message: 'delivered {1} times',
    stack: '',
  },
]

const filled = (text: string, parts: readonly (string | number)[]): string =>
  parts.reduce<string>((made, part, n) => made.replaceAll(`{${n + 1}}`, String(part)), text)

/** Exceptions of the JVM, as those write them who send them to a dead-letter topic. */
export const javaFaults = (): LabelledFault[] =>
  thrown.flatMap(({ reason, operator, code, values, message, stack }) =>
    values.map((parts) => {
      const said = filled(message, parts)
      return { reason, operator, code, message: said, stack: filled(`${code}: ${said}${stack}`, parts) }
    }),
  )

/** @param schemaPath where editors find the grammar, relative to the file */
export const pipelineTemplate = (name: string, schemaPath: string): string => `\
# yaml-language-server: $schema=${schemaPath}
# Orders that are made up, some of them broken. The good ones go to ${name}.clean, the others to dlq.${name}.in.
name: ${name}

sources:
  ${name}.in:                       # a topic; its dead letters go to dlq.${name}.in
    generate: { shape: orders, count: 200, poison: 0.05 }
    # Your own instead, a JSON object a line:
    # file: { path: ./orders.jsonl, key: order_id }

deadLetters:
  retention: 7d

streams:
  orders:
    from: ${name}.in
    steps:
      - validate:
          schema:
            type: object
            required: [order_id, total]
            properties: { total: { type: number, minimum: 0 } }
      - dedupe: { by: record.order_id, within: 24h }
      - filter: record.total > 0.0
      - set: { is_large: record.total >= 100.0 }
    to:
      topic: ${name}.clean

tests:                              # run by "oxbow test": a letter is a record, "-" a millisecond, "|" the end
  - name: an order passes once; one without a total is dead-lettered
    given: { ${name}.in: "aab|" }
    values:
      a: { order_id: "1", total: 120 }
      b: { order_id: "2" }
      x: { order_id: "1", total: 120, is_large: true }
      f: { $fault: record.invalid }
    expect: { ${name}.clean: "x--|", dlq.${name}.in: "--f|" }
`

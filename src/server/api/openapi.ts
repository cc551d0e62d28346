import { z } from 'zod'
import type { Operation } from './operation.ts'

/** The API as OpenAPI 3.1 describes it. @param version of Oxbow */
export function openApi(operations: readonly Operation[], version: string): object {
  const paths: { [path: string]: { [method: string]: object } } = {}
  for (const { spec } of operations)
    paths[spec.path] = { ...paths[spec.path], [spec.method.toLowerCase()]: described(spec) }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Oxbow',
      version,
      description: 'Dead letters, topics and redrives of pipelines. Times are ISO 8601.',
    },
    security: [{ token: [] }, { session: [] }, {}],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'oxbow-session',
          description: 'Of who logged in; POST needs the header x-oxbow-form-token, too.',
        },
      },
      schemas: { Problem: schemaOf(problem) },
    },
  }
}

const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe('What is wrong, and what would be right.'),
})

function described({ role, summary, params, query, body, answer, streamed, status = 200 }: Operation['spec']): object {
  return {
    summary,
    description: `Needs the role ${role}.`,
    parameters: [...parametersOf('path', params), ...parametersOf('query', query)],
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } },
    }),
    responses: {
      [status]: {
        description: streamed ? 'Events, each with data of this schema.' : 'Done.',
        content: { [streamed ? 'text/event-stream' : 'application/json']: { schema: schemaOf(answer) } },
      },
      default: {
        description: 'Refused.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  }
}

function parametersOf(place: 'path' | 'query', fields: z.ZodObject | undefined): object[] {
  return Object.entries(fields?.shape ?? {}).map(([name, field]) => ({
    name,
    in: place,
    required: place === 'path' || !(field as z.ZodType).safeParse(undefined).success,
    schema: schemaOf(field as z.ZodType),
  }))
}

/** What goes over the wire: of a text that is read as a number, the number. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output' = 'output'): object {
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return described
}

import { z } from 'zod'
import { json, type Answer } from '../answer.ts'
import { Problem } from '../problem.ts'
import type { Asked, Endpoint } from '../router.ts'
import type { Role, User } from '../security/users.ts'

type Fields = z.ZodObject | undefined
/** What is answered is not changed any more. */
type Answered<T> = T extends object ? { readonly [K in keyof T]: Answered<T[K]> } : T
type Of<S> = S extends z.ZodType ? z.output<S> : undefined

/** What an operation of the API is given. */
export interface Given<P, Q, B> {
  readonly params: P
  readonly query: Q
  readonly body: B
  readonly user: User
}

/** One operation of the HTTP API: what it takes and gives, which is checked, and described from the same schemas. */
export interface OperationSpec<
  P extends Fields,
  Q extends Fields,
  B extends z.ZodType | undefined,
  A extends z.ZodType,
> {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly role: Role
  readonly summary: string
  readonly params?: P
  readonly query?: Q
  readonly body?: B
  /** Of what is answered; of each event where it is `streamed`. */
  readonly answer: A
  readonly streamed?: true
  /** The status of a good answer; 200 when absent. */
  readonly status?: 200 | 201 | 202
}

/** An operation as it is described, with the endpoint that answers. */
export interface Operation {
  readonly spec: OperationSpec<Fields, Fields, z.ZodType | undefined, z.ZodType>
  readonly endpoint: Endpoint
}

export function operation<
  A extends z.ZodType,
  P extends Fields = undefined,
  Q extends Fields = undefined,
  B extends z.ZodType | undefined = undefined,
>(
  spec: OperationSpec<P, Q, B, A>,
  answer: (given: Given<Of<P>, Of<Q>, Of<B>>) => Promise<Answered<z.input<A>>>,
): Operation {
  const { status = 200 } = spec
  return wrap(spec, async (given) => json(status, spec.answer.parse(await answer(given as never)) as object))
}

/** An operation that answers event by event, as server-sent events, until who asked goes. */
export function stream<A extends z.ZodType, P extends Fields = undefined, Q extends Fields = undefined>(
  spec: Omit<OperationSpec<P, Q, undefined, A>, 'method' | 'streamed'>,
  events: (
    given: Given<Of<P>, Of<Q>, undefined>,
  ) => Promise<(signal: AbortSignal) => AsyncIterable<Answered<z.input<A>>>>,
): Operation {
  return wrap({ ...spec, method: 'GET', streamed: true }, async (given) => {
    const source = await events(given as never)
    return {
      status: 200,
      type: 'text/event-stream',
      body: (signal) => eventLines(source(signal), spec.answer),
    }
  })
}

async function* eventLines(events: AsyncIterable<unknown>, schema: z.ZodType): AsyncGenerator<string> {
  yield ': here\n\n'
  for await (const event of events) yield `data: ${JSON.stringify(schema.parse(event))}\n\n`
}

function wrap<P extends Fields, Q extends Fields, B extends z.ZodType | undefined, A extends z.ZodType>(
  spec: OperationSpec<P, Q, B, A>,
  answer: (given: Given<unknown, unknown, unknown>) => Promise<Answer>,
): Operation {
  const { method, path, role, params = nothing, query = nothing, body } = spec
  const endpoint: Endpoint = {
    method,
    path,
    role,
    ...(method === 'POST' && { brings: 'json' }),
    answer: ({ visitor, params: inPath, query: asked, body: bytes }: Asked) =>
      answer({
        params: read(params, inPath, 404, 'in the path'),
        query: read(query, asked, 400, 'after the ?'),
        body: body && read(body, documentIn(bytes), 422, 'in the body'),
        user: visitor!.user,
      }),
  }
  return { spec, endpoint }
}

const nothing = z.strictObject({})

/** @throws Problem with the status, which says what is wrong, and where */
export function read<T>(schema: z.ZodType<T>, given: unknown, status: number, where: string): T {
  const { success, data, error } = schema.safeParse(given)
  if (success) return data
  const told = error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.length > 0 ? `"${path.join('.')}"` : 'it'} ${where}: ${message}`)
  throw new Problem(status, `${told.join('; ')}.`)
}

function documentIn(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch (thrown) {
    if (thrown instanceof SyntaxError) throw new Problem(400, `The body is no JSON: ${thrown.message}.`)
    throw thrown
  }
}

import { parentPort, workerData } from 'node:worker_threads'
import { asyncScheduler } from 'rxjs'
import { createLog } from '../../../monitor/log.ts'
import { Pipeline } from '../../../topology/pipeline.ts'
import { openPlace, placeOf, secretsIn } from '../../brokerOptions.ts'
import { readPlan } from '../../plans.ts'
import { plansOf } from '../roles.ts'
import { endRequest, type Answers, type Assignment, type Message, type Request } from './messages.ts'

// A worker thread of `oxbow run --threads`: a member of the consumer groups of its own, with its own connections.
const { thread, paths, options, revisions, role, once } = workerData as Assignment
const send = (message: Message): void => parentPort!.postMessage(message)

const planned = paths.map(readPlan)
for (const [at, { file }] of planned.entries()) {
  if (file.revision !== revisions[at]) throw new Error(`${file.file} has changed since the run began; start it again`)
}
const place = placeOf(options, planned[0]!.file)
const log = createLog({
  secrets: [...planned.flatMap(({ file }) => file.secrets), ...secretsIn(place)],
  destination: { write: (line) => send({ line }) },
  thread,
})
const broker = await openPlace(place, 'run', { thread, log })
const parts = { broker, scheduler: asyncScheduler, log, once, thread }
const pipelines = plansOf(planned, role).map((plan) => new Pipeline({ ...parts, plan }))

async function answer({ call, pipeline, settled = false, query, address }: Request): Promise<Answers[keyof Answers]> {
  if (address !== undefined) broker.announce(address)
  if (call === 'stores') return pipelines[pipeline]!.stores(query!)
  return call === 'quiet' ? pipelines[pipeline]!.quiet({ settled }) : pipelines[pipeline]![call]()
}

async function serve(request: Request | typeof endRequest): Promise<void> {
  if (request === endRequest) {
    await broker.close()
    return process.exit(0)
  }
  const { id } = request
  try {
    send({ id, answer: await answer(request) })
  } catch (thrown) {
    send({ id, problem: thrown instanceof Error ? thrown.message : String(thrown) })
  }
}

parentPort!.on('message', (request: Request | typeof endRequest) => void serve(request))

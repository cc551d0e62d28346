import type { Catalog } from './component/catalog.ts'
import { aggregate } from './operators/aggregate.ts'
import { branch } from './operators/branch.ts'
import { clamp } from './operators/clamp.ts'
import { dedupe } from './operators/dedupe.ts'
import { delay } from './operators/delay.ts'
import { enrich } from './operators/enrich.ts'
import { filter } from './operators/filter.ts'
import { flatMap } from './operators/flatMap.ts'
import { format } from './operators/format.ts'
import { join } from './operators/join.ts'
import { keyBy } from './operators/keyBy.ts'
import { log } from './operators/log.ts'
import { lookup } from './operators/lookup.ts'
import { map } from './operators/map.ts'
import { parse } from './operators/parse.ts'
import { remove } from './operators/remove.ts'
import { rename } from './operators/rename.ts'
import { sample } from './operators/sample.ts'
import { set } from './operators/set.ts'
import { split } from './operators/split.ts'
import { throttle } from './operators/throttle.ts'
import { unnest } from './operators/unnest.ts'
import { use } from './operators/use.ts'
import { validate } from './operators/validate.ts'
import { file as fileSink } from './sinks/file.ts'
import { log as logSink } from './sinks/log.ts'
import { table } from './sinks/table.ts'
import { topic as topicSink } from './sinks/topic.ts'
import { webhook } from './sinks/webhook.ts'
import { deadLetterQueue } from './sources/deadLetterQueue.ts'
import { file } from './sources/file.ts'
import { generate } from './sources/generate.ts'
import { http } from './sources/http.ts'
import { polymarket } from './sources/polymarket.ts'
import { rss } from './sources/rss.ts'
import { topic } from './sources/topic.ts'

/** Every component that a config can name; a new one is one more line here. */
export const catalog: Catalog = {
  sources: [deadLetterQueue, file, generate, http, polymarket, rss, topic],
  operators: [
    aggregate,
    branch,
    clamp,
    dedupe,
    delay,
    enrich,
    filter,
    flatMap,
    format,
    join,
    keyBy,
    log,
    lookup,
    map,
    parse,
    remove,
    rename,
    sample,
    set,
    split,
    throttle,
    unnest,
    use,
    validate,
  ],
  sinks: [fileSink, logSink, table, topicSink, webhook],
}

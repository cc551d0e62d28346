import type { Broker } from '../../broker/broker.ts'
import type { Ledger } from '../../deadletter/ledger/ledger.ts'
import type { Plan } from '../../topology/plan.ts'
import { letterTopicsOf, type LetterTopic } from '../../topology/letterTopics.ts'
import { openPlace, placeOf, type BrokerOptions, type BrokerPlace } from '../brokerOptions.ts'
import { ledgerOf } from '../ledgerOf.ts'
import type { PlannedFile } from '../plans.ts'
import { findLetterTopics } from './letterTopics.ts'

/** Dead-letter topics of a broker, to look into. */
export interface OpenLedger {
  readonly broker: Broker
  readonly ledger: Ledger
  readonly topics: readonly Pick<LetterTopic, 'source' | 'topic'>[]
  /** The names of the topics. */
  readonly names: readonly string[]
  /** The config that was named. */
  readonly planned?: PlannedFile
  close(): Promise<void>
}

/** The dead-letter topics of a config, or all that the broker has. @throws ConfigError for a config with mistakes */
export async function openLedger(options: BrokerOptions, path: string | undefined): Promise<OpenLedger> {
  // Reading a config loads every component, which is not needed otherwise.
  const planned = path === undefined ? undefined : (await import('../plans.ts')).readPlan(path)
  const { broker, ledger, close } = await openAt(placeOf(options, planned?.file), 'read')
  try {
    const topics = planned ? letterTopicsOf(planned.plan) : await findLetterTopics(broker)
    return { broker, ledger, topics, names: topics.map(({ topic }) => topic), close, ...(planned && { planned }) }
  } catch (thrown) {
    await close()
    throw thrown
  }
}

/** The dead letters of a pipeline, to do something about. */
export interface Workbench {
  readonly broker: Broker
  readonly ledger: Ledger
  readonly plan: Plan
  close(): Promise<void>
}

/** @throws ConfigError for a config with mistakes */
export async function openWorkbench(options: BrokerOptions, path: string, use: 'read' | 'append'): Promise<Workbench> {
  const { file, plan } = (await import('../plans.ts')).readPlan(path)
  return { ...(await openAt(placeOf(options, file), use)), plan }
}

/** A broker, and what became of the dead letters there. */
export async function openAt(place: BrokerPlace, use: 'read' | 'append'): Promise<Omit<Workbench, 'plan'>> {
  const broker = await openPlace(place, use)
  const ledger = ledgerOf(place, broker)
  const close = async () => {
    await ledger.close()
    await broker.close()
  }
  return { broker, ledger, close }
}

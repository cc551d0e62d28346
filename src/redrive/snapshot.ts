import type { Broker, StateChange } from '../broker/broker.ts'

const changesAtOnce = 5_000
/** The mark that says what made the state of each step. */
const shapes = '$shape'

/** Copies what operators and tables of a group keep, as it is committed now, to another broker. @returns how many entries */
export async function copyState(group: string, from: Broker, to: Broker): Promise<number> {
  let copied = 0
  const stores = (await from.stores(group)).filter(({ name }) => !name.startsWith('$') || name === shapes)
  for (const [task, own] of Map.groupBy(stores, (store) => store.task)) {
    const reader = await from.state(group, task)
    for (const { name: store } of own) {
      const state: StateChange[] = []
      const commit = async () => {
        await to.commit({ group, task, outputs: [], offsets: [], counts: [], state: state.splice(0) })
      }
      for (const [key, value] of reader.entries(store)) {
        state.push({ store, key, value })
        copied++
        if (state.length === changesAtOnce) await commit()
      }
      if (state.length > 0) await commit()
    }
  }
  return copied
}

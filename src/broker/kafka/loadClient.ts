import type { Client } from './client.ts'
import type { KafkaSettings } from './settings.ts'

/** The library that the settings name; the other one is not loaded. */
export async function loadClient(name: KafkaSettings['client']): Promise<Client> {
  if (name === 'kafkajs') return (await import('./kafkajs/client.ts')).kafkajs
  return (await import('./platformatic/client.ts')).platformatic
}

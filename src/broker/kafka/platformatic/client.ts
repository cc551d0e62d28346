import { Admin } from '@platformatic/kafka'
import type { Client } from '../client.ts'
import { PlatformaticMembership } from './member.ts'
import { connectionOptions } from './options.ts'

/** @platformatic/kafka, the default. */
export const platformatic: Client = {
  connect: (settings, role) => {
    const admin = new Admin({ ...connectionOptions(settings, role), retries: 3, retryDelay: 100 })
    return { to: (node) => admin.connections.get(node), close: () => admin.close() }
  },
  member: (parts, changed) => new PlatformaticMembership(parts, changed),
}

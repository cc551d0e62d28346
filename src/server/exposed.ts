/** Why nothing is served on an address that others reach, where nobody is asked for a token. */
export const exposed = (host: string): string =>
  `${host} can be reached by others, and nobody would be asked who they are: name a file of tokens with --token-file, or have them in OXBOW_TOKENS, lines of NAME ROLE TOKEN (roles: view, operate, edit); without --host only this machine is listened to`

/** What a unit of letters has at most: each costs a wait for the disk or the cluster, and all of it is held in memory. */
export const lettersPerUnit = 2_000
export const bytesPerUnit = 8_388_608

/** A time as text whose order is that of times: milliseconds since 1970, for the keys of state. */
export const timeText = (time: number): string => String(time).padStart(16, '0')
export const timeTextLength = 16

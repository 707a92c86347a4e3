/** What everybody hears: text, as a chat or a feed has it. */
export const message = 'x'.repeat(128)

/** How often, each time that somebody asks. */
export const messages = Number(process.env.FAIRLEAD_BENCH_MESSAGES ?? 1)

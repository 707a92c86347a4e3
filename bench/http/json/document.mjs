/** What a list in an application's interface may look like; 1 KiB of JSON. */
export const notes = Array.from({ length: 10 }, (_, at) => ({
  id: 4_100 + at,
  title: `Note ${at}: mend the sails`,
  author: at % 2 === 0 ? 'bosun' : 'mate',
  done: at % 3 === 0,
  tags: ['ship', 'sails'],
}))

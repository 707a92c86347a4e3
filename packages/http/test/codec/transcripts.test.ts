import { describe, expect, test } from 'vitest'

import { drive } from './drive.ts'
import type { Transcript } from './transcript.ts'
import { allTranscripts } from './transcript.ts'

const transcripts = allTranscripts()

/** Beyond this many bytes, splits are tried at the ends and at regular distances instead of everywhere. */
const EVERY_SPLIT = 1200

describe.each([...new Set(transcripts.map(({ file }) => file))])('%s', (file) => {
  test.each(transcripts.filter((transcript) => transcript.file === file))('$title', (transcript) => {
    const { role, bytes } = transcript
    const run = (chunks: Uint8Array[], pausing = false): string[] =>
      visible(drive(role, chunks, { ...transcript, pausing }), transcript)

    expect(run([bytes])).toEqual(transcript.events)
    expect(run([bytes], true), 'paused at every event').toEqual(transcript.events)
    expect(run(Array.from(bytes, (byte) => Uint8Array.of(byte))), 'byte by byte').toEqual(transcript.events)
    const step = Math.ceil(bytes.length / EVERY_SPLIT)
    for (let at = 1; at < bytes.length; at += step) {
      const halves = [bytes.subarray(0, at), bytes.subarray(at)]
      expect(run(halves, at % 2 === 0), `split at ${at}`).toEqual(transcript.events)
    }
  })
})

test('the titles of a file are told apart', () => {
  const titles = transcripts.map(({ file, title }) => `${file}: ${title}`)
  expect(new Set(titles).size).toBe(titles.length)
})

/** Fields count where a transcript tells of any after a head or an end; else they are left out on both sides. */
function visible(events: string[], { events: expected }: Transcript): string[] {
  return expected.some((line) => line.startsWith('  '))
    ? events
    : events.filter((line) => !line.startsWith('  '))
}

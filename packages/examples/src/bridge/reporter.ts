import { Board } from './board.ts'
import type { RunningBridge } from './bridge.ts'
import { type Ended, endedLine, refusedLine } from './event.ts'
import { greeting } from './greeting.ts'
import { Screen } from './screen.ts'
import type { Settings } from './settings.ts'
import type { Told } from './watch.ts'

/** Tells whoever started a bridge what happens on it. */
export interface Reporter extends Told {
  started(bridge: RunningBridge): void
  stopping(): void
  /** Everything has ended. */
  stopped(): void
}

/** Milliseconds between two looks at the counters. */
const interval = 500

/** By lines of JSON, by lines, or on a terminal by counters that are drawn anew in place. */
export function reporterOf({ to }: Settings, json: boolean): Reporter {
  if (json) return jsonReporter()
  const line = (ended: Ended): string => endedLine(ended, !('scheme' in to))
  return process.stdout.isTTY ? boardReporter(line, new Screen(process.stdout)) : lineReporter(line)
}

function jsonReporter(): Reporter {
  let bridge: RunningBridge | undefined
  const print = (event: string, facts: object): void =>
    console.log(JSON.stringify({ event, time: new Date(), ...facts }))
  return {
    started(started) {
      bridge = started
      const { urls, pages, target, fingerprint } = started
      print('listen', { urls, pages, target, fingerprint })
    },
    opened: (opened) => print('open', opened),
    ended: (ended) => print('end', { ...ended, duration: Math.round(ended.duration) }),
    refused: (refused) => print('refuse', refused),
    certificate: (fingerprint) => print('certificate', { fingerprint }),
    trouble: (text) => print('trouble', { text }),
    stopping: () => print('stop', {}),
    stopped: () => print('total', bridge?.counts() ?? {}),
  }
}

function lineReporter(line: (ended: Ended) => string): Reporter {
  return {
    started: (bridge) => console.log(greeting(bridge)),
    ended: (ended) => console.log(line(ended)),
    refused: (refused) => console.log(refusedLine(refused)),
    certificate: (fingerprint) => console.log(renewed(fingerprint)),
    trouble: (text) => console.error(trouble(text)),
    stopping: () => console.log('\nStopping ...'),
    stopped() {},
  }
}

function boardReporter(line: (ended: Ended) => string, screen: Screen): Reporter {
  const board = new Board()
  let bridge: RunningBridge | undefined

  const draw = (): void => {
    if (bridge) screen.draw(board.lines(bridge.counts(), performance.now()))
  }
  return {
    started(started) {
      bridge = started
      screen.print(greeting(started))
      draw()
      setInterval(draw, interval).unref()
    },
    ended: (ended) => board.add(line(ended)),
    refused: (refused) => board.add(refusedLine(refused)),
    certificate: (fingerprint) => screen.print(renewed(fingerprint)),
    // Where they are kept in a file, they go there.
    trouble: (text) => (process.stderr.isTTY ? screen.print(trouble(text)) : console.error(trouble(text))),
    stopping: () => screen.print('Stopping ...'),
    stopped: draw,
  }
}

function renewed(fingerprint: string): string {
  return `The certificate is a new one: ${fingerprint}`
}

function trouble(text: string): string {
  return `fairlead bridge: ${text}`
}

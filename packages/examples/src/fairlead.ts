#!/usr/bin/env node
import { program } from 'commander'

import { bridgeCommand } from './bridge/command.ts'
import { findCommand, hubCommand } from './hub/command.ts'
import { peerCommand } from './peer/command.ts'
import { rpcCommand } from './rpc/command.ts'
import { serveCommand } from './serve/command.ts'
import { receiveCommand, sendCommand } from './transfer/command.ts'

program
  .name('fairlead')
  .description('Programs built with Fairlead: every kind of socket behind one lifecycle.')
  .showSuggestionAfterError(false)
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error/, 'fairlead')) })
  .addCommand(hubCommand())
  .addCommand(findCommand())
  .addCommand(sendCommand())
  .addCommand(receiveCommand())
  .addCommand(serveCommand())
  .addCommand(bridgeCommand())
  .addCommand(peerCommand())
  .addCommand(rpcCommand())

await program.parseAsync()

import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

// Debian has it in a folder that is not on everybody's path.
const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']

/** Where nginx is, if it is installed, and the system tells what it uses. */
export const nginx =
  process.platform === 'linux' ? folders.map((folder) => join(folder, 'nginx')).find(starts) : undefined

function starts(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

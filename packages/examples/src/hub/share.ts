import { formatSize } from '../size.ts'
import type { Room } from './room.ts'
import { nickname } from './talk.ts'

/** Tells the room of a file that has come, and by whom where that was said. */
export function share(room: Room, file: { name: string; size: number }, by: string | null | undefined): void {
  room.announce(`${nickname(by ?? '') ?? 'somebody'} shared ${file.name} (${formatSize(file.size)})`)
}

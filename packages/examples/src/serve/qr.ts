import { encode } from 'uqr'

/** Two modules above each other are one character: black above white, and so on. */
const halves: Record<string, string> = { '00': '█', '01': '▀', '10': '▄', '11': ' ' }

/**
 * A QR code for a terminal, with the edge of four modules that cameras want (ISO/IEC 18004 section 9.1), and its own
 * colours: on a terminal with a light background it would be inside out otherwise.
 */
export function qrCode(text: string): string {
  const { data } = encode(text, { border: 4, ecc: 'L' })
  const dark = (row: number, column: number): string => (data[row]?.[column] ? '1' : '0')
  const lines: string[] = []
  for (let row = 0; row < data.length; row += 2) {
    const line = data.map((_, column) => halves[dark(row, column) + dark(row + 1, column)]).join('')
    lines.push(`\u001b[97;40m${line}\u001b[0m`)
  }
  return lines.join('\n')
}

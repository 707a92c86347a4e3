/** What a server runs as where this is root, who may read everything. */
export const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined

/** Lets go of the rights of root. What is imported was read before. */
export function becomeNobody() {
  if (!nobody) return
  process.setgroups([])
  process.setgid(nobody.gid)
  process.setuid(nobody.uid)
}

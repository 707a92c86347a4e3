/** The style of the page. Its digest is in the policy, so nothing in it depends on what is listed. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #f6f7f7;
  --card: #fff;
  --ink: #1a2224;
  --muted: #586568;
  --line: #e4e8e8;
  --hover: #eef5f6;
  --accent: #0b6a80;
  --tint: #d3e9ee;
  font: 1rem/1.5 system-ui, sans-serif;
  -webkit-text-size-adjust: 100%;
  text-size-adjust: 100%;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #111517;
    --card: #181e20;
    --ink: #e4eaea;
    --muted: #98a6a9;
    --line: #283134;
    --hover: #1f2a2d;
    --accent: #74c8dc;
    --tint: #1c4450;
  }
}
*, ::before, ::after { box-sizing: border-box; margin: 0; }
body {
  max-width: 62rem;
  min-height: 100vh;
  margin: 0 auto;
  padding: clamp(1.5rem, 5vw, 4rem) clamp(0.75rem, 3vw, 2rem) 2rem;
  background: var(--paper);
  color: var(--ink);
  overflow-wrap: anywhere;
}
a { color: inherit; text-decoration: none; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; border-radius: 0.5rem; }
header { padding: 0 1rem 1.5rem; }
h1 { font-size: clamp(1.5rem, 4vw, 2.125rem); font-weight: 650; line-height: 1.2; letter-spacing: -0.015em; white-space: pre-wrap; }
header p { margin-top: 0.375rem; color: var(--muted); }
nav ol { display: flex; flex-wrap: wrap; margin: 0 0 0.25rem -0.375rem; padding: 0; list-style: none; color: var(--muted); }
nav li::after { content: '/'; content: '/' / ''; opacity: 0.6; }
nav a { display: inline-block; padding: 0.125rem 0.375rem; border-radius: 0.375rem; }
i { padding: 0 0.2em; border: 1px solid; border-radius: 0.25em; font-size: 0.75em; font-style: normal; opacity: 0.75; }
.icons { display: none; }
table { width: 100%; border-collapse: separate; border-spacing: 0; border: 1px solid var(--line); border-radius: 0.875rem; background: var(--card); overflow: hidden; }
th { padding: 0; border-bottom: 1px solid var(--line); font-size: 0.875rem; font-weight: 550; text-align: left; color: var(--muted); }
th a { display: block; padding: 0.625rem 1rem; }
th a::after { content: '↑'; content: '↑' / ''; margin-left: 0.375rem; visibility: hidden; }
th[aria-sort] { color: var(--ink); }
th[aria-sort] a::after { visibility: visible; }
th[aria-sort='descending'] a::after { content: '↓'; content: '↓' / ''; }
td { padding: 0.5625rem 1rem; vertical-align: top; border-top: 1px solid var(--line); color: var(--muted); white-space: nowrap; font-variant-numeric: tabular-nums; }
tbody tr:first-child td { border-top: 0; }
td:first-child { width: 100%; padding: 0; color: var(--ink); white-space: pre-wrap; }
td:first-child a { display: flex; align-items: flex-start; gap: 0.75rem; padding: 0.5625rem 1rem; }
th:nth-child(2), td:nth-child(2) { text-align: right; }
th:nth-child(2) a { display: flex; flex-direction: row-reverse; gap: 0.375rem; }
th:nth-child(2) a::after { margin: 0; }
td svg { flex: none; width: 1.25rem; height: 1.25rem; margin-top: 0.125rem; }
svg { fill: none; stroke: var(--muted); stroke-width: 1.25; stroke-linecap: round; stroke-linejoin: round; }
.folder { fill: var(--tint); stroke: var(--accent); }
.upwards span { color: var(--muted); }
.note { padding: 1rem 1rem 0; color: var(--muted); text-align: center; text-wrap: balance; }
.empty { padding: 4rem 1rem; border: 1px solid var(--line); border-radius: 0.875rem; background: var(--card); color: var(--muted); text-align: center; }
.empty svg { width: 3rem; height: 3rem; margin-bottom: 0.75rem; stroke-width: 0.75; }
.empty a { color: var(--accent); }
footer { display: flex; justify-content: space-between; padding: 1.25rem 1rem 0; color: var(--muted); font-size: 0.875rem; }
footer a { text-decoration: underline; text-underline-offset: 0.2em; }
@media (hover: hover) {
  nav a:hover, th a:hover, footer a:hover { color: var(--accent); }
  tbody tr:hover { background: var(--hover); }
  td:first-child a:hover span { color: var(--accent); }
}
@media (max-width: 40rem) {
  header { padding-inline: 0.75rem; }
  table, tbody { display: block; }
  thead tr { display: flex; }
  thead { display: block; border-bottom: 1px solid var(--line); }
    th { border: 0; }
  th a { padding: 0.75rem; }
  th:nth-child(2) a { flex-direction: row; }
  tbody tr { display: grid; position: relative; grid-template-columns: auto 1fr; column-gap: 0.75rem; padding: 0.625rem 0.75rem; border-top: 1px solid var(--line); }
  tbody tr:first-child { border-top: 0; }
  td { padding: 0; border: 0; font-size: 0.875rem; line-height: 1.35; }
  td:first-child { grid-column: 1 / -1; font-size: 1rem; }
  td:first-child a { padding: 0; }
  td:first-child a::after { content: ''; position: absolute; inset: 0; }
  td:nth-child(2) { padding-left: 2rem; }
  td:nth-child(2):empty { display: none; }
  td:nth-child(2):empty + td { padding-left: 2rem; }
  footer { padding-inline: 0.75rem; }
}
`

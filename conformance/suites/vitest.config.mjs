// Runs tests of others with our server in the place of theirs; see ../suites.mjs.

import { fileURLToPath } from 'node:url'

const { FAIRLEAD_SUITE: name, FAIRLEAD_SUITE_FOLDER: folder, FAIRLEAD_SUITE_OWN: own } = process.env
const shim = (file) => fileURLToPath(new URL(file, import.meta.url))

const suites = {
  'node-server': {
    module: /(?:^|\/)src\/server$/,
    code: `
      export * from '${folder}/src/server.ts'
      export { createAdaptorServer, serve } from '${shim('adaptor-server.mjs')}'
    `,
    test: {
      globals: true,
      setupFiles: ['test/setup.ts'],
      include: ['server', 'server-socket', 'serve-static', 'request-client-disconnect'],
    },
  },
  srvx: {
    module: /(?:^|\/)src\/adapters\/node\.ts$/,
    code: `
      import { serveWith } from '${shim('universal-server.mjs')}'
      import { wrapFetch } from '${folder}/src/_middleware.ts'
      import { errorPlugin } from '${folder}/src/_plugins.ts'
      export * from '${folder}/src/adapters/node.ts'
      export const serve = serveWith({ wrapFetch, errorPlugin })
    `,
    test: {
      include: [
        'node',
        'node-client-disconnect',
        'node-error-paths',
        'node-host-header',
        'node-max-body-size',
        'node-streams',
        'tracing',
      ],
      alias: [{ find: /^srvx$/, replacement: `${folder}/src/adapters/node.ts` }],
    },
  },
}

const { module, code, test } = suites[name]

/** Only their tests get ours: what they are made of keeps its own. */
const plugin = {
  name: 'fairlead',
  enforce: 'pre',
  resolveId(source, importer) {
    if (importer?.startsWith(`${folder}/test/`) && module.test(source)) return '\0fairlead'
  },
  load(id) {
    if (id === '\0fairlead') return code
  },
}

export default {
  root: folder,
  plugins: own === '1' ? [] : [plugin],
  test: {
    ...test,
    include: test.include.map((file) => `test/${file}.test.ts`),
    environment: 'node',
    execArgv: ['--expose-gc'],
    testTimeout: 4_000,
    hookTimeout: 8_000,
    maxWorkers: 1,
  },
}

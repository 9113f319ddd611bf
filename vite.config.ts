import { defineConfig } from 'vite'
import pkg from './package.json' with { type: 'json' }

const external = [...Object.keys(pkg.dependencies), ...Object.keys(pkg.peerDependencies)]

export default defineConfig({
  build: {
    target: 'es2022',
    sourcemap: true,
    minify: false,
    emptyOutDir: true,
    lib: {
      entry: {
        index: 'src/index.ts',
        'axios/index': 'src/axios/index.ts',
        'fetch/index': 'src/fetch/index.ts',
        'oauth/index': 'src/oauth/index.ts',
        'dpop/index': 'src/dpop/index.ts',
        'storage/index': 'src/storage/index.ts',
        'testing/index': 'src/testing/index.ts',
        cli: 'src/testing/cli/main.ts',
      },
      formats: ['es'],
      fileName: (_format, name) => `${name}.js`,
    },
    rolldownOptions: {
      external: (id: string) =>
        id.startsWith('node:') || external.some((name) => id === name || id.startsWith(`${name}/`)),
      output: { chunkFileNames: '[name]-[hash].js', comments: false },
    },
  },
})

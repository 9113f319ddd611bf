import { act, StrictMode, useSyncExternalStore } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import type { SessionState } from 'tokenward'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createScene, type Scene } from '../promises/stage.ts'

let root: Root
let place: HTMLElement
beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
  place = document.body.appendChild(document.createElement('div'))
  root = createRoot(place)
})
afterEach(async () => {
  await act(async () => root.unmount())
  place.remove()
  vi.unstubAllGlobals()
})

function Session({ tokens, renders }: { tokens: Scene['tokens']; renders: SessionState[] }) {
  const state = useSyncExternalStore(tokens.subscribe, tokens.getState)
  renders.push(state)
  return <p>{state.signedIn ? `signed in: ${state.status}` : `signed out: ${'reason' in state ? state.reason : ''}`}</p>
}

describe('useSyncExternalStore', () => {
  test('F152: renders once for each change of the state, and never for anything else', async () => {
    const scene = createScene()
    const renders: SessionState[] = []
    await act(async () => root.render(<Session tokens={scene.tokens} renders={renders} />))
    expect(place.textContent).toBe('signed out: never-started')
    await act(() => scene.tokens.login('ann'))
    expect(place.textContent).toBe('signed in: active')
    expect(renders).toHaveLength(2)
    await act(async () => {
      for (let i = 0; i < 50; i++) {
        await scene.send()
        await scene.world.tell('wake')
        scene.tokens.touch()
      }
    })
    expect(renders).toHaveLength(2)
    await act(() => scene.tokens.logout())
    expect(place.textContent).toBe('signed out: logout')
    expect(new Set(renders).size).toBe(renders.length)
  })

  test('is quiet under StrictMode, whose double mount leaves one subscription', async () => {
    const complaints = vi.spyOn(console, 'error').mockImplementation(() => {})
    const scene = createScene()
    const renders: SessionState[] = []
    await act(async () =>
      root.render(
        <StrictMode>
          <Session tokens={scene.tokens} renders={renders} />
        </StrictMode>,
      ),
    )
    await act(() => scene.tokens.login('ann'))
    expect(place.textContent).toBe('signed in: active')
    await act(async () => root.render(null))
    const before = renders.length
    await scene.tokens.logout()
    expect(renders).toHaveLength(before)
    expect(complaints).not.toHaveBeenCalled()
    complaints.mockRestore()
  })
})

/** A copy without prototype, so that a polluted `Object.prototype` supplies no member. */
export function ownMembers<T extends object>(value: T): T {
  return { __proto__: null, ...value }
}

/** The style of the page. Its hash is in the page's policy, so nothing may be added to it. */
export const reportStyle = `
:root { --back: #fdfdfc; --text: #1d2126; --dim: #5f6872; --line: #c9ced4; --card: #f3f4f2; --link: #0b57a4;
  --critical: #8b0f24; --high: #b3261e; --medium: #8a5300; --low: #2b5d8a; --good: #1f7a45; --over: #f4d9d6; --on: #fff }
@media (prefers-color-scheme: dark) { :root { --back: #14171a; --text: #e4e7ea; --dim: #9aa4ae; --line: #3c444c;
  --card: #1d2226; --link: #7db8f5; --critical: #ff8a9c; --high: #ff8f84; --medium: #f0b355; --low: #84bdf0;
  --good: #6fd09a; --over: #3d2423; --on: #14171a } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; background: var(--back); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.6rem; margin: 0 0 .4rem } h2 { font-size: 1.2rem; margin: 2rem 0 .6rem } h3 { font-size: 1rem; margin: 0 0 .2rem }
p { margin: .2rem 0 .6rem } a { color: var(--link) } code { font-size: .9em }
.dim { color: var(--dim); font-weight: normal } .bad { color: var(--high) }
.verdict { font-size: 1.1rem; font-weight: 600 } .verdict.clean { color: var(--good) } .verdict.found { color: var(--high) }
.badge { display: inline-block; min-width: 4.6rem; padding: 0 .5rem; border-radius: .25rem; color: var(--on); font-size: .8rem;
  font-weight: 600; text-align: center } .critical { background: var(--critical) } .badge.high { background: var(--high) }
.badge.medium { background: var(--medium) } .badge.low { background: var(--low) }
.advice, .token { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; padding: .7rem .9rem; margin: .5rem 0 }
summary { cursor: pointer } .token ol { margin: .3rem 0; padding-left: 2.4rem; max-height: 14rem; overflow: auto; font-size: .9rem }
.token li.refused { color: var(--high) }
.advice p:last-child, .token p:last-child { margin-bottom: 0 }
.scroll { overflow-x: auto }
svg { display: block; width: 100%; min-width: 40rem; height: auto; margin: .5rem 0 } svg line { stroke: var(--line); stroke-width: 2 }
circle { fill: var(--good); stroke: var(--card); stroke-width: 1.5 } circle.refused { fill: var(--high) }
circle.unknown { fill: var(--dim) } circle.issued { fill: var(--back); stroke: var(--good); stroke-width: 2.5 }
rect.over { fill: var(--over) } text { font-size: 11px; fill: var(--dim) } text.flag { fill: var(--high); font-weight: 700 }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line) }
.place { overflow-wrap: anywhere; min-width: 12rem }
@media print { .token { break-inside: avoid } }
`

import { playSeeds } from './seeds.ts'

playSeeds(1_001, 1_000)

import { deviceContract } from '@godwit/hw/contract'
import { i8259 } from './i8259.ts'

deviceContract(i8259, { wires: ['int'], io: (model) => [model.io, model.elcr] })

/** fw_cfg items by number, as firmware for PCs knows them. */
export const ITEM = {
  signature: 0x00,
  id: 0x01,
  uuid: 0x02,
  ramSize: 0x03,
  nographic: 0x04,
  cpus: 0x05,
  bootMenu: 0x0e,
  maxCpus: 0x0f,
  kernelAddress: 0x07,
  kernelSize: 0x08,
  kernelCommandLine: 0x09,
  initrdAddress: 0x0a,
  initrdSize: 0x0b,
  bootDevice: 0x0c,
  numa: 0x0d,
  kernelEntry: 0x10,
  kernelData: 0x11,
  initrdData: 0x12,
  commandLineAddress: 0x13,
  commandLineSize: 0x14,
  commandLineData: 0x15,
  setupAddress: 0x16,
  setupSize: 0x17,
  setupData: 0x18,
  fileDirectory: 0x19,
  acpiTables: 0x8000,
  irq0Override: 0x8002,
  e820Table: 0x8003,
  hpet: 0x8004,
} as const

/** Where the option ROM puts the real-mode parts. */
export const SETUP_ADDRESS = 0x1_0000
export const COMMAND_LINE_ADDRESS = 0x2_0000

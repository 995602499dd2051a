/** Devices of a PC that QEMU has and this machine has not, by the names their state has in a stream. */
interface Absent {
  readonly name: RegExp
  readonly device: string
}

const ABSENT: readonly Absent[] = [
  { name: /vga/, device: 'a VGA card: run the source with -vga none' },
  { name: /virtio-blk/, device: 'a virtio disk' },
  { name: /virtio-net/, device: 'a virtio network card' },
  { name: /virtio/, device: 'a virtio device' },
  { name: /e1000|rtl8139|ne2000|pcnet|eepro100|vmxnet/, device: 'a network card: run the source with -nic none' },
  { name: /\.rom$/, device: "a card's option ROM" },
  { name: /^mch|ICH9LPC|ich9_ahci|ich9_smb|q35/, device: 'the board q35' },
  { name: /uhci|ehci|xhci|ohci|usb/i, device: 'a USB controller or device' },
  { name: /floppy|fdd/, device: 'a floppy drive' },
  { name: /scsi|esp|lsi|megasas/, device: 'a SCSI controller' },
  { name: /ac97|intel-hda|hda|es1370|sb16|adlib|gus/, device: 'a sound card' },
  { name: /^pc\.ram$/, device: 'memory' },
  { name: /dirty-bitmap/, device: "a disk's dirty bitmap" },
]

/** What device a section ("idstr/instance") or a RAM block belongs to; undefined where it is not known. */
export const absentDevice = (name: string): string | undefined => ABSENT.find((a) => a.name.test(name))?.device

export declare const CACHE: string
export declare class NoPackages extends Error {}
export declare function guestFile(name: string): string
export declare function haveGuests(names?: readonly string[]): boolean
export declare function fetchGuests(names?: readonly string[], say?: (line: string) => void): Promise<void>
export declare function unpackPackages(
  specs: readonly string[],
  folder: string,
  say?: (line: string) => void,
): Promise<void>
export declare function readGuest(name: string): Buffer

export declare function buildTinyGuest(): Buffer
export declare function tinyChain(): () => string

/** Payloads of section `cpu` version 12 that QEMU wrote (SeaBIOS idle, -cpu qemu64), deflated, in base64. */
export const CPU_SECTIONS: Readonly<Record<string, string>> = {
  'i440fx-min, 5.2':
    'eNpjYEAGW2sYsIL8CajyuNSRC7bOgNBMbkDCgbmegUbgNoTi3QAk/v9nYJgMpD9AxPgZoGKz+VH1wNRRU6wJi1g3Ee5n/k9AgQA1Q+v/f35o4LAA2SA3yjcwjALSADMQs7OwgTEDAyNJetnQAEyclUIAMYUHbB40Rv83MHDQPWwgiQo3n5GBkQtZDhngM3NU/v9/MqOEcTTHQvOYSHJBqX5Bfk5OfHJ+XklRfk58bnERcggBAL0pkpo=',
  'i440fx-min, 7.2':
    'eNpjYEAG2+cyYAX5U1DlcakjF2zfCaGZ3ICEA3M9A43AzQYwxTsDSPz/z8AwGUh/gEjxM0DFZvOj6oGpo6ZYExaxbiLcz/yfgAIBaobW///80MBhAbJBbpRvYBgFpAFmIGZnYQNjBkZGkvSyoQGYOCuFAGIKD9g8aIz+b2DgoHvYQBIVbj4jAyMXshwywGfmqPz//2RGCeNojoXmMZHkglL9gvycnPjk/LySovyc+NziIuQQAgAydZOR',
  'i440fx-base, 11.1':
    'eNpjYEAG280ZsIL8GajyuNSRC7YHQ2gmNyDhwFzPQCNwqwFM8a4AEv//MzBMBtIfIFL8DFCx2fyoemDqqCnWhEWsmwj3M/8noECAmqH1/z8/NHBYgGyQG+UbGEYBaYALiNlZ2MCYgZGRJL1saAAmzkohgJjCAzYPGqP/Gxg46B42kESFm8/IwMiFLIcM8Jk5Kv//P5lRwjiaY6F5TCS5oFS/ID8nJz45P6+kKD8nPre4CDmEWAVBKoCC8cW5mUBFpXklSNKMAPdqmSY=',
  'i440fx-vga, 5.2':
    'eNpjYEAGW2sYsIL8CajyuNSRC7bOgNBMbkDCgbmegUbgNoTi3QAk/v9nYJgMpD9AxPgZoGKz+VH1wNRRU6wJi1g3Ee5n/k9AgQA1Q+v/f35o4LAA2SA3yjcwjALSABcQs7OwgTEDAyNJetnQAEyclUIAMYUHbB40Rv83MHDQPWwgiQo3n5GBkQtZDhngM3NU/v9/MqOEcTTHQvOYSHJBqX5Bfk5OfHJ+XklRfk58bnERcgixCoJUAAXji3MzgYpK80qQpJkBLnuZtA==',
}

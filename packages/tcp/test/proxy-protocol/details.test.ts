import { detailsOf, type ProxyHeader, tlvsOf } from '@fairlead/tcp/proxy-protocol'
import { expect, test } from 'vitest'

import { decode } from './decoding.ts'

const haproxy = Buffer.from(
  '0d0a0d0a000d0a515549540a211100887f0000017f000001a16c4aa0030004ad760fd8010002683202000b7777772e6578616d706c65' +
    '05000c69642d3132372e302e302e312000500700000000210007544c5376312e3322000e636c69656e742e6578616d706c65250007' +
    '5253413230343824000a5253412d534841323536230016544c535f4145535f3235365f47434d5f534841333834',
  'hex',
)

const details = {
  alpn: 'h2',
  authority: 'www.example',
  uniqueId: Buffer.from('id-127.0.0.1'),
  tls: {
    encrypted: true,
    certificateOnConnection: true,
    certificateInSession: true,
    authorized: true,
    version: 'TLSv1.3',
    commonName: 'client.example',
    cipher: 'TLS_AES_256_GCM_SHA384',
    signatureAlgorithm: 'RSA-SHA256',
    keyAlgorithm: 'RSA2048',
  },
}

test('what HAProxy 2.6 says of a client with a certificate is read', () => {
  const { header } = decode([haproxy]) as { header: ProxyHeader }
  expect(detailsOf(header.tlvs)).toEqual(details)
})

test('a client without TLS is not authorized, though its verification is zero', () => {
  const { tls } = detailsOf([{ type: 0x20, value: new Uint8Array(5) }])
  expect(tls).toEqual({
    encrypted: false,
    certificateOnConnection: false,
    certificateInSession: false,
    authorized: false,
  })
})

test('a certificate that failed its verification is not authorized', () => {
  expect(detailsOf([{ type: 0x20, value: Uint8Array.of(7, 0, 0, 0, 20) }]).tls).toMatchObject({
    certificateOnConnection: true,
    authorized: false,
  })
})

test('nothing says nothing, and of two the first counts', () => {
  expect(detailsOf([])).toEqual({})
  expect(detailsOf([...tlvsOf({ authority: 'one' }), ...tlvsOf({ authority: 'two' })])).toEqual({
    authority: 'one',
  })
})

test('details that were written are read', () => {
  const refused = {
    encrypted: true,
    certificateOnConnection: false,
    certificateInSession: true,
    authorized: false,
  }
  for (const each of [
    { ...details, namespace: 'blue' },
    { tls: refused },
    { uniqueId: Buffer.alloc(0) },
    { alpn: '\xffbytes', authority: 'münchen.example' },
  ]) {
    expect(detailsOf(tlvsOf(each))).toEqual(each)
  }
})

test('a unique id has at most 128 bytes', () => {
  expect(() => tlvsOf({ uniqueId: Buffer.alloc(129) })).toThrow('Invalid option uniqueId')
})

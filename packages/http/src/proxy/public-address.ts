/**
 * IPv4 that is not for everybody: the IANA special-purpose registry, multicast and what is reserved, and the address at
 * which one cloud has its metadata in the middle of public ones.
 */
export const notPublic4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
]

/** All of IPv6 that is global unicast (RFC 4291 section 2.4). */
export const global6 = ['2000::/3']

/**
 * What is special in {@link global6}: protocol assignments, Teredo among them, documentation, and 6to4, in which any
 * address of IPv4 may hide.
 */
export const notPublic6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

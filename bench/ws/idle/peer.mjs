import '../echo/peer.mjs'

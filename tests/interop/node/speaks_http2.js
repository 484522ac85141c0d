// A gateway that speaks HTTP/2 and nothing else. Over TLS it refuses ALPN without "h2".
// Arguments: the descriptor of a listening socket and, for TLS, a file with a key and certificate.

import { readFileSync } from "node:fs";
import { createSecureServer, createServer } from "node:http2";

const [descriptor, path] = process.argv.slice(2);
const pem = path && readFileSync(path);
const server = pem ? createSecureServer({ key: pem, cert: pem }) : createServer();
server.listen({ fd: Number(descriptor) });
process.stdin.on("end", () => process.exit()).resume();

// A gateway on ws. What it is told and what it tells: ../servers/bridge.py.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { WebSocketServer } from "ws";

const links = [];

const tell = (link, what, more = {}) =>
  process.stdout.write(`${JSON.stringify({ link, is: what, ...more })}\n`);

const verifyClient = ({ req }, decide) => {
  const [, status] = req.url.match(/^\/refuse\/(\d+)$/) ?? [];
  if (status) decide(false, Number(status), "not today", { "Retry-After": "7" });
  else decide(true);
};

const server = createServer();
const perMessageDeflate = { threshold: 0 };
new WebSocketServer({ server, verifyClient, perMessageDeflate }).on("connection", (socket, request) => {
  const link = links.push(socket);
  tell(link, "open", { target: request.url, headers: request.headers });
  socket.on("message", (data) => tell(link, "text", { text: data.toString() }));
  socket.on("pong", (payload) => payload.toString() === "?" && tell(link, "pong"));
  socket.on("close", (code) => tell(link, "closed", { code }));
  socket.on("error", (error) => console.error(error));
});
server.listen({ fd: Number(process.argv[2]) });

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const order = JSON.parse(line);
    const socket = links[order.link - 1];
    if (order.do === "send") socket.send(order.text);
    else if (order.do === "ping") socket.ping("?");
    else if (order.do === "close") socket.close(order.code);
    else if (order.do === "drop") socket.terminate();
    else throw new Error(order.do);
  })
  .on("close", () => process.exit());

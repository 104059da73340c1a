/**
 * coturn's telnet interface, as far as we need it: `cs <id>` ends an allocation at once. It is the only interface of coturn that
 * does so without a certificate and an administrator of its own (the web interface wants both).
 */
import { connect } from 'node:net';

/** Ask for one command a prompt: coturn takes what arrives together for one line. */
const PROMPT = /(^|\n)(Enter password: ?\n?|> ?)$/;

/**
 * End these allocations; one that has ended by itself is no error.
 * @throws Error, which never holds the password, when the interface does not answer within 5 s or refuses the password
 */
export function cancelSessions(port: number, password: string, ids: readonly string[]): Promise<void> {
  const lines = [password, ...ids.map((id) => `cs ${id}`)];
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let unread = '';
    let sent = 0;
    const end = (error?: Error) => {
      clearTimeout(timer);
      socket.destroy();
      if (error) reject(error);
      else resolve();
    };
    const timer = setTimeout(() => end(new Error('the telnet interface of coturn does not answer')), 5000);
    socket.on('error', (error) => end(new Error(`the telnet interface of coturn: ${error.message}`)));
    socket.on('close', () => end(new Error('the telnet interface of coturn closed the connection')));
    socket.on('data', (data) => {
      unread += data.toString('latin1').replaceAll('\r', '');
      if (!PROMPT.test(unread)) return;
      if (sent > 0 && unread.includes('password'))
        return end(new Error('coturn refused the password of its interface'));
      unread = '';
      const line = lines[sent++];
      if (line === undefined) end();
      else socket.write(`${line}\r\n`);
    });
  });
}

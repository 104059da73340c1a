/** `npm run canary -- https://…`; the scheduled task of the Canary construct runs the same program. */
import { ConfigError } from '@tandem/service';
import { HELP, parseCommand } from './src/options.ts';
import { metricLine, reportText } from './src/result.ts';
import { runCanary } from './src/run-canary.ts';

try {
  const command = parseCommand(process.argv.slice(2), process.env);
  if (command === 'help') console.log(HELP);
  else {
    const result = await runCanary(command);
    console.log(reportText(command.origin.origin, result));
    if (command.metrics) console.log(metricLine(command.metrics, result));
    process.exitCode = result.passed ? 0 : 1;
  }
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}

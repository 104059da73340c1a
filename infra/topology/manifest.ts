/** The web app manifest (W3C, "Web Application Manifest") of a deployment with a name of its own. */
import { readLook } from '../../apps/client/src/look.ts';

/** Its file in the client's build. */
export const MANIFEST = 'manifest.webmanifest';

/**
 * @param file the manifest of the client's build
 * @param settings of the page, as config.json has them
 * @returns the manifest with the name and the colour of the deployment; undefined: the build's own is right
 */
export function brandedManifest(file: string, settings: unknown): string | undefined {
  const branding = (settings as { branding?: unknown } | undefined)?.branding;
  const { name, accent } = readLook({ branding }, () => {});
  if (name === undefined && accent === undefined) return undefined;
  const manifest = {
    ...(JSON.parse(file) as object),
    ...(name === undefined ? {} : { name, short_name: name }),
    ...(accent === undefined ? {} : { theme_color: accent.light }),
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

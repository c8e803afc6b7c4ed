import { appendFileSync, copyFileSync } from 'fs';

/**
 * Defines profiles with which AWS clients of this process assume roles. Call it once, before the first client is used: the SDK reads its
 * configuration file only once.
 *
 * @param roles ARNs of roles, by name of the profile
 */
export function defineProfiles(roles: Readonly<Record<string, string>>): void {
  const shared = process.env.AWS_CONFIG_FILE;
  if (shared === undefined) {
    throw new Error('AWS_CONFIG_FILE is not set. Run scenarios with "npm run e2e".');
  }
  const file = `${shared}-${process.pid}`;
  copyFileSync(shared, file);
  for (const [name, roleArn] of Object.entries(roles)) {
    appendFileSync(file, `[profile ${name}]\nrole_arn = ${roleArn}\nsource_profile = default\n`);
  }
  process.env.AWS_CONFIG_FILE = file;
}

/** Calls `use` with a profile selected. AWS clients that are first used meanwhile keep the profile's role. */
export async function actingAs<T>(profile: string, use: () => Promise<T>): Promise<T> {
  process.env.AWS_PROFILE = profile;
  try {
    return await use();
  } finally {
    delete process.env.AWS_PROFILE;
  }
}

import { appendFileSync, copyFileSync } from 'fs';

/**
 * Defines profiles by which AWS clients of this process take on roles. To be called once, before the first client is used: the SDK reads
 * its file only once.
 *
 * @param roles ARNs of roles, by the name of the profile
 */
export function defineProfiles(roles: Readonly<Record<string, string>>): void {
  const shared = process.env.AWS_CONFIG_FILE;
  if (shared === undefined) {
    throw new Error('AWS_CONFIG_FILE is not set: scenarios are run by test/e2e/run.ts.');
  }
  const file = `${shared}-${process.pid}`;
  copyFileSync(shared, file);
  for (const [name, roleArn] of Object.entries(roles)) {
    appendFileSync(file, `[profile ${name}]\nrole_arn = ${roleArn}\nsource_profile = default\n`);
  }
  process.env.AWS_CONFIG_FILE = file;
}

/** Lets AWS clients that are first used by `use` act in a profile's role, for as long as they live. */
export async function actingAs<T>(profile: string, use: () => Promise<T>): Promise<T> {
  process.env.AWS_PROFILE = profile;
  try {
    return await use();
  } finally {
    delete process.env.AWS_PROFILE;
  }
}

import type { IamCacheConfiguration, PasswordCacheConfiguration } from '../../contract/configuration';
import { isObject } from '../../machine/is-object';
import { count, endpoint, flag, object, optional, text, type Check, type Checks } from '../checks';

const IAM_CHECKS: Checks<Omit<IamCacheConfiguration, 'service'>> = {
  endpoint,
  userName: text,
  cacheName: text,
  region: text,
  nodeBased: optional(flag),
  retentionDays: count,
};

const PASSWORD_CHECKS: Checks<Omit<PasswordCacheConfiguration, 'service'>> = {
  endpoint,
  userName: text,
  passwordSecret: text,
  passwordField: optional(text),
  retentionDays: count,
};

/** Checks the configuration of a cache, by the way in which it authenticates. */
export const cache: Check = (value, path, problems) =>
  object(isObject(value) && Object.hasOwn(value, 'passwordSecret') ? PASSWORD_CHECKS : IAM_CHECKS)(
    value,
    path,
    problems,
  );

import { ServiceError } from '../servers/json-server';

/**
 * Variables that make a program load or run other code. In AWS they could only affect a container; here they would affect a process of the
 * user.
 */
const DANGEROUS =
  /^(NODE_.*|NPM_CONFIG_.*|LD_.*|DYLD_.*|GLIBC_.*|GCONV_PATH|PATH|IFS|ENV|BASH_.*|SHELLOPTS|BASHOPTS|PS4|PROMPT_COMMAND|ZDOTDIR|SHELL|HOME|PYTHON.*|PERL.*|RUBY.*|GEM_.*|BUNDLE_.*|JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS|_JAVA_OPTIONS|CLASSPATH|PHP.*|LUA_.*|DOTNET_.*|CORECLR_.*|GIT_.*|SSH_.*|EDITOR|VISUAL|PAGER|LESSOPEN|LESSCLOSE|HTTPS?_PROXY|ALL_PROXY|SSL_CERT_.*|OPENSSL_.*|AWS_(CONFIG_FILE|SHARED_CREDENTIALS_FILE|PROFILE|CA_BUNDLE|ENDPOINT_URL.*))$/i;

/**
 * Checks the environment variables with which a request overrides those of a container.
 *
 * @throws ServiceError that names the first variable that the local runner refuses
 */
export function checkTaskVariables(variables: readonly { readonly name?: string; readonly value?: string }[]): void {
  for (const { name = '', value = '' } of variables) {
    if (!/^[^=\0]+$/.test(name) || value.includes('\0')) {
      throw refused(name, 'a name has at least one character and no "=", and neither a name nor a value has a NUL');
    }
    if (DANGEROUS.test(name)) {
      throw refused(name, 'it could run other code on this machine. Set it in the command of --task instead');
    }
  }
}

function refused(name: string, reason: string): ServiceError {
  return new ServiceError(
    'InvalidParameterException',
    `Invalid environment variable ${JSON.stringify(name)}: ${reason}.`,
  );
}

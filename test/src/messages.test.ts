import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as cdk from 'aws-cdk-lib';
import * as ts from 'typescript';
import { ROOT } from '../support/pages';
import * as library from 'cdk-lambda-fsm';
import * as client from 'cdk-lambda-fsm/client';

/* The errors and warnings of the constructs advise to set, omit or call something. It exists. */

const SOURCES = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => parse(join(ROOT, 'src', file)));

/** The modules of the AWS CDK whose properties the messages name. */
const MODULES = {
  'aws-dynamodb': cdk.aws_dynamodb,
  'aws-ec2': cdk.aws_ec2,
  'aws-ecs': cdk.aws_ecs,
  'aws-events': cdk.aws_events,
  'aws-kinesis': cdk.aws_kinesis,
  'aws-kms': cdk.aws_kms,
  'aws-lambda': cdk.aws_lambda,
  'aws-lambda-event-sources': cdk.aws_lambda_event_sources,
  'aws-lambda-nodejs': cdk.aws_lambda_nodejs,
  'aws-sqs': cdk.aws_sqs,
};

const CLASSES: readonly object[] = [library, client, cdk, ...Object.values(MODULES)];

const MEMBERS = new Set([
  ...Object.getOwnPropertyNames(client.WorkflowClient),
  ...[
    ...SOURCES,
    parse(join(ROOT, 'lambda/machine/input.ts')),
    parse(join(ROOT, 'lambda/machine/definition.ts')),
  ].flatMap(membersOf),
  ...Object.keys(MODULES).flatMap((module) => {
    const folder = join(ROOT, 'node_modules/aws-cdk-lib', module, 'lib');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.d.ts') && !file.endsWith('.generated.d.ts'),
    );
    const text = files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');
    return [...text.matchAll(/^ {4}(?:static |readonly )*(\w+)[?(:]/gm)].map(([, name = '']) => name);
  }),
]);

interface Message {
  readonly place: string;
  /** The text without the values in it. Quoted names are those of users. */
  readonly text: string;
}

function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022, true);
}

function visit(node: ts.Node, callback: (node: ts.Node) => void): void {
  callback(node);
  ts.forEachChild(node, (child) => visit(child, callback));
}

/** The members of the exported interfaces and classes of a file. */
function membersOf(source: ts.SourceFile): string[] {
  const members: string[] = [];
  visit(source, (node) => {
    if (!ts.isInterfaceDeclaration(node) && !ts.isClassDeclaration(node)) return;
    if (!node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return;
    for (const { name } of node.members) if (name) members.push(name.getText());
  });
  return members;
}

/** The literals of a file that are sentences. */
function messagesOf(source: ts.SourceFile): Message[] {
  const messages: Message[] = [];
  visit(source, (node) => {
    const text = ts.isTemplateExpression(node)
      ? [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('…')
      : ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)
        ? node.text
        : '';
    if (!/\w \w.*\.( |$)/s.test(text)) return;
    const { line } = source.getLineAndCharacterOfPosition(node.getStart());
    messages.push({
      place: `${source.fileName.slice(ROOT.length + 1)}:${line + 1}`,
      text: text.replace(/"[^"]*"|'\$[^']*'/g, '""'),
    });
  });
  return messages;
}

const MESSAGES = SOURCES.flatMap(messagesOf);

/** Words after "Set" and "Omit" that are no names. */
const WORDS = ['it', 'its', 'one', 'the', 'these', 'in', 'up'];

test('the messages name properties and methods that exist', () => {
  expect(MESSAGES.length).toBeGreaterThan(70);
  const unknown = MESSAGES.flatMap(({ place, text }) => {
    const named = [
      ...[...text.matchAll(/\b[a-z]+[A-Z]\w*/g)].map(([name]) => name),
      ...[...text.matchAll(/\b(?:[Ss]et|[Oo]mit) (?:the \w+'s |its )?([a-z]\w*)/g)].map(([, name = '']) => name),
    ];
    return named.filter((name) => !MEMBERS.has(name) && !WORDS.includes(name)).map((name) => `${place}: ${name}`);
  });
  expect(unknown).toEqual([]);
});

test('the messages name members of classes and enums that exist', () => {
  const unknown = MESSAGES.flatMap(({ place, text }) =>
    [...text.matchAll(/\b([A-Z]\w+)\.(\w+)/g)]
      .filter(([name]) => name !== 'Node.js')
      .filter(([, owner = '', member = '']) => !CLASSES.some((module) => hasMember(module, owner, member)))
      .map(([name]) => `${place}: ${name}`),
  );
  expect(unknown).toEqual([]);
});

function hasMember(module: object, owner: string, member: string): boolean {
  const declared: unknown = owner in module ? Reflect.get(module, owner) : undefined;
  return (typeof declared === 'function' || typeof declared === 'object') && declared !== null && member in declared;
}

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { assemblyOf, temporaryDirectory } from './support';
import { readStack } from '../../lambda/local/assembly';
import { Template } from '../../lambda/local/template';

/** Resolves one value, with a queue `Orders` that exists. */
function resolve(value: unknown, extra: object = {}): unknown {
  const template = new Template(readStack(assemblyOf({
    Resources: {
      Orders: { Type: 'AWS::SQS::Queue' },
      Topic: { Type: 'AWS::SNS::Topic' },
      Subject: { Type: 'Test::Subject', Properties: { Value: value } },
    },
    ...extra,
  })));
  template.provide('Orders', { ref: 'http://orders', attributes: { 'Arn': 'arn:orders', 'Nested.Name': 'nested' } });
  return template.properties('Subject').Value;
}

test.each([
  ['plain JSON', { a: [1, 'x', true, null] }, { a: [1, 'x', true, null] }],
  ['Ref to a resource', { Ref: 'Orders' }, 'http://orders'],
  ['Ref to pseudo parameters', { 'Fn::Join': ['/', [{ Ref: 'AWS::Region' }, { Ref: 'AWS::AccountId' }, { Ref: 'AWS::Partition' }, { Ref: 'AWS::StackName' }, { Ref: 'AWS::URLSuffix' }]] }, 'us-east-1/000000000000/aws/Shop/amazonaws.com'],
  ['AWS::NoValue', { a: { Ref: 'AWS::NoValue' }, b: [1, { Ref: 'AWS::NoValue' }] }, { b: [1] }],
  ['Fn::GetAtt as a list', { 'Fn::GetAtt': ['Orders', 'Arn'] }, 'arn:orders'],
  ['Fn::GetAtt as text', { 'Fn::GetAtt': 'Orders.Nested.Name' }, 'nested'],
  ['Fn::Join', { 'Fn::Join': ['', ['{"url":"', { Ref: 'Orders' }, '","n":', 1, '}']] }, '{"url":"http://orders","n":1}'],
  ['Fn::Select and Fn::Split', { 'Fn::Select': [1, { 'Fn::Split': [':', { 'Fn::GetAtt': ['Orders', 'Arn'] }] }] }, 'orders'],
  ['Fn::Sub', { 'Fn::Sub': '${Orders.Arn} at ${Orders} in ${AWS::Region}, not ${!Orders}' }, 'arn:orders at http://orders in us-east-1, not ${Orders}'],
  ['Fn::Sub with variables', { 'Fn::Sub': ['${What} and ${Orders.Arn}', { What: { Ref: 'Orders' } }] }, 'http://orders and arn:orders'],
  ['an object that only looks like a call', { Ref: 'Orders', other: 1 }, { Ref: 'Orders', other: 1 }],
])('%s', (_, value, expected) => {
  expect(resolve(value)).toEqual(expected);
});

test('a parameter has its default value', () => {
  expect(resolve({ Ref: 'Colour' }, { Parameters: { Colour: { Type: 'String', Default: 'blue' } } })).toBe('blue');
});

test.each([
  ['a resource that the runner does not provide', { Ref: 'Topic' }, 'Shop/Subject.Value refers to "Topic", an AWS::SNS::Topic, which the local runner does not provide'],
  ['a resource that is not there', { a: { 'Fn::GetAtt': ['Nothing', 'Arn'] } }, 'Shop/Subject.Value.a refers to "Nothing", which the template does not have'],
  ['an attribute that nobody knows', { 'Fn::GetAtt': ['Orders', 'Colour'] }, 'does not know the attribute "Colour" of "Orders". It knows: Arn, Nested.Name'],
  ['a function that nobody knows', { 'Fn::ImportValue': 'x' }, 'does not resolve Fn::ImportValue'],
  ['a call with the wrong argument', { 'Fn::Join': 'x' }, 'Fn::Join takes a list'],
])('%s is an error that says where', (_, value, message) => {
  expect(() => resolve(value)).toThrow(message);
});

test('a parameter without a value is an error', () => {
  expect(() => resolve({ Ref: 'Colour' }, { Parameters: { Colour: { Type: 'String' } } })).toThrow('the parameter "Colour" has no default value');
});

test('properties that are not asked for may refer to anything', () => {
  const template = new Template(readStack(assemblyOf({ Resources: { Subject: { Type: 'T', Properties: { Role: { Ref: 'Missing' }, Name: 'x' } } } })));
  expect(template.properties('Subject', ['Name'])).toEqual({ Name: 'x' });
});

describe('the assembly', () => {
  test('a folder that is none is refused', () => {
    const directory = temporaryDirectory();
    expect(() => readStack(directory)).toThrow(`${directory} is no cloud assembly: it has no manifest.json. Run "cdk synth"`);
  });

  test('a stack that it does not have is refused, with those that it has', () => {
    expect(() => readStack(assemblyOf({}), 'Other')).toThrow('There is no stack "Other"');
    expect(() => readStack(assemblyOf({}), 'Other')).toThrow('has "Shop"');
  });

  test('an asset is found by its key', () => {
    const assembly = assemblyOf({});
    expect(readStack(assembly, 'Shop').assets.get('code.zip')).toBe(join(assembly, 'asset.code'));
  });

  test('a template that is missing is an error that names it', () => {
    const assembly = assemblyOf({});
    rmSync(join(assembly, 'Shop.template.json'));
    expect(() => readStack(assembly)).toThrow('Shop.template.json cannot be read');
  });
});

// Publish a committed change of a legacy record (docs/change-events.md).

import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';

const sqs = new SQSClient({});

/** Send a thin event; `version` grows with every change, `operation` is upsert or delete. */
export async function publish(queueUrl, element, key, version, operation) {
  const event = { element, key: String(key), version, operation };
  await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(event) }));
}

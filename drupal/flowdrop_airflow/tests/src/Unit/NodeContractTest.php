<?php

declare(strict_types=1);

namespace Drupal\Tests\flowdrop_airflow\Unit;

use Drupal\flowdrop_airflow\Contract\ContractException;
use Drupal\flowdrop_airflow\Contract\NodeReply;
use Drupal\flowdrop_airflow\Contract\NodeRequest;
use PHPUnit\Framework\TestCase;

require_once __DIR__ . '/VectorsTrait.php';

/**
 * Requests and replies of "execute-node", against the shared vectors.
 */
final class NodeContractTest extends TestCase {

  use VectorsTrait;

  /**
   * Returns good requests.
   */
  public static function requests(): array {
    return self::named('execute-node', 'requests');
  }

  /**
   * Returns requests that break the contract.
   */
  public static function refused(): array {
    return self::named('execute-node', 'refused');
  }

  /**
   * Returns replies.
   */
  public static function replies(): array {
    return self::named('execute-node', 'replies');
  }

  /**
   * Reads what the other side sends.
   *
   * @dataProvider requests
   */
  public function testRequests(array $vector): void {
    $given = $vector['request'];
    $found = NodeRequest::fromJson(json_encode($given, JSON_THROW_ON_ERROR));
    self::assertSame($vector['plugin_id'], $found->pluginId());
    self::assertSame(
      [$given['processor'], $given['node_id'], $given['idempotency_key'], $given['parameters'], $given['resume']],
      [$found->processor, $found->nodeId, $found->key, $found->parameters, $found->resume],
    );
  }

  /**
   * Refuses what is no request.
   *
   * @dataProvider refused
   */
  public function testRefused(array $vector): void {
    $this->expectException(ContractException::class);
    NodeRequest::fromJson(json_encode($vector['request'], JSON_THROW_ON_ERROR));
  }

  /**
   * Refuses what is no JSON at all.
   */
  public function testNoJson(): void {
    $this->expectException(ContractException::class);
    NodeRequest::fromJson('<html>');
  }

  /**
   * The site decides what may run.
   */
  public function testAllowed(): void {
    $vectors = self::vectors('execute-node');
    $request = NodeRequest::fromJson(json_encode($vectors['requests'][0]['request'], JSON_THROW_ON_ERROR));
    foreach ($vectors['allowed'] as $case) {
      self::assertSame($case['result'], $request->allowedBy($case['allowed']), json_encode($case));
    }
  }

  /**
   * Replies as the other side reads them.
   *
   * @dataProvider replies
   */
  public function testReplies(array $vector): void {
    $make = $vector['make'];
    $reply = NodeReply::{array_shift($make)}(...$make);
    self::assertJsonStringEqualsJsonString(
      json_encode(self::objects($vector['reply']), JSON_THROW_ON_ERROR),
      json_encode($reply, JSON_THROW_ON_ERROR),
    );
    self::assertSame($vector['kept'], NodeReply::isKept($reply));
  }

  /**
   * Returns the reply with its empty output as the object it is in the file.
   */
  private static function objects(array $reply): array {
    if (($reply['output'] ?? NULL) === []) {
      $reply['output'] = new \stdClass();
    }
    return $reply;
  }

}

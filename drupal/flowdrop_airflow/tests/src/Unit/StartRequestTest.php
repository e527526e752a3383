<?php

declare(strict_types=1);

namespace Drupal\Tests\flowdrop_airflow\Unit;

use Drupal\flowdrop_airflow\Contract\ContractException;
use Drupal\flowdrop_airflow\Contract\ExportSet;
use Drupal\flowdrop_airflow\Contract\StartRequest;
use PHPUnit\Framework\TestCase;

/**
 * Starting runs, and what Airflow pulls.
 */
final class StartRequestTest extends TestCase {

  /**
   * The same event gives the same key and body; another workflow another key.
   */
  public function testKey(): void {
    $first = StartRequest::of('greeting', ['entity_id' => '7'], 'node.insert:7:1', '12');
    self::assertSame($first->key, StartRequest::of('greeting', [], 'node.insert:7:1')->key);
    self::assertNotSame($first->key, StartRequest::of('other', [], 'node.insert:7:1')->key);
    self::assertLessThanOrEqual(255, strlen($first->key));
    self::assertSame('{"inputs":{"entity_id":"7"},"source":"event","drupal_pipeline_id":"12"}', $first->json());
    self::assertSame('{"inputs":{},"source":"event"}', StartRequest::of('greeting', [], 'x')->json());
    self::assertSame('/workflows/greeting/execute', $first->path());
  }

  /**
   * A workflow id cannot lead elsewhere.
   */
  public function testRefused(): void {
    foreach ([['../x', 'e'], ['', 'e'], ['a/b', 'e'], ['ok', '']] as [$workflow, $event]) {
      try {
        StartRequest::of($workflow, [], $event);
        self::fail('It was accepted.');
      }
      catch (ContractException $error) {
        self::assertNotSame('', $error->getMessage());
      }
    }
  }

  /**
   * Workflows, node types and triggers are exported, nothing else is.
   */
  public function testExport(): void {
    $texts = [
      'flowdrop_workflow.flowdrop_workflow.b' => 'id: b',
      'flowdrop_workflow.flowdrop_workflow.a' => 'id: a',
      'flowdrop_trigger.flowdrop_trigger_config.t' => 'id: t',
      'flowdrop_trigger.settings' => 'x: 1',
      'system.site' => 'mail: secret',
    ];
    $set = new ExportSet($texts);
    self::assertSame([
      'flowdrop_trigger.flowdrop_trigger_config.t.yml',
      'flowdrop_workflow.flowdrop_workflow.a.yml',
      'flowdrop_workflow.flowdrop_workflow.b.yml',
    ], array_keys($set->files));
    self::assertTrue($set->isKnownTo('"x", W/' . $set->etag()));
    self::assertFalse($set->isKnownTo(''));
    self::assertNotSame($set->etag(), (new ExportSet([]))->etag());
  }

}

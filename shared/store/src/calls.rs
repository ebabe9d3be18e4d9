//! The calls that are made of the SDK, each [`Boxed`]: otherwise every function and every test would compile the whole way of
//! each call again, signing and retries with it.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;

use crate::Boxed;

/// An answer that is waited for.
pub(crate) type Answer<T, E> = Boxed<'static, Result<T, SdkError<E, HttpResponse>>>;

/// A call that can be made.
pub(crate) trait Call {
    /// What it answers.
    type Output;
    /// How it fails.
    type Error;

    /// Makes the call.
    fn ask(self) -> Answer<Self::Output, Self::Error>;
}

macro_rules! calls {
    ($($sdk:ident::$module:ident: $builder:ident => $output:ident, $error:ident;)*) => {
        $(
            impl Call for $sdk::operation::$module::builders::$builder {
                type Output = $sdk::operation::$module::$output;
                type Error = $sdk::operation::$module::$error;

                fn ask(self) -> Answer<Self::Output, Self::Error> {
                    Box::pin(self.send())
                }
            }
        )*
    };
}

calls! {
    aws_sdk_dynamodb::batch_get_item: BatchGetItemFluentBuilder => BatchGetItemOutput, BatchGetItemError;
    aws_sdk_dynamodb::batch_write_item: BatchWriteItemFluentBuilder => BatchWriteItemOutput, BatchWriteItemError;
    aws_sdk_dynamodb::create_table: CreateTableFluentBuilder => CreateTableOutput, CreateTableError;
    aws_sdk_dynamodb::delete_item: DeleteItemFluentBuilder => DeleteItemOutput, DeleteItemError;
    aws_sdk_dynamodb::get_item: GetItemFluentBuilder => GetItemOutput, GetItemError;
    aws_sdk_dynamodb::put_item: PutItemFluentBuilder => PutItemOutput, PutItemError;
    aws_sdk_dynamodb::query: QueryFluentBuilder => QueryOutput, QueryError;
    aws_sdk_dynamodb::scan: ScanFluentBuilder => ScanOutput, ScanError;
    aws_sdk_dynamodb::transact_write_items: TransactWriteItemsFluentBuilder => TransactWriteItemsOutput, TransactWriteItemsError;
    aws_sdk_dynamodb::update_item: UpdateItemFluentBuilder => UpdateItemOutput, UpdateItemError;
    aws_sdk_dynamodb::update_time_to_live: UpdateTimeToLiveFluentBuilder => UpdateTimeToLiveOutput, UpdateTimeToLiveError;
    aws_sdk_dynamodbstreams::describe_stream: DescribeStreamFluentBuilder => DescribeStreamOutput, DescribeStreamError;
    aws_sdk_dynamodbstreams::get_records: GetRecordsFluentBuilder => GetRecordsOutput, GetRecordsError;
    aws_sdk_dynamodbstreams::get_shard_iterator: GetShardIteratorFluentBuilder => GetShardIteratorOutput, GetShardIteratorError;
    aws_sdk_dynamodbstreams::list_streams: ListStreamsFluentBuilder => ListStreamsOutput, ListStreamsError;
    aws_sdk_ssm::get_parameter: GetParameterFluentBuilder => GetParameterOutput, GetParameterError;
}
